/// How a pod works, and how it breaks down when too much is asked of it.
///
/// A pod works on a few requests at a time while the others wait in one queue, and those that wait get in the way of the
/// work: memory, context switches, connections. A client gives up after a while, but its pod does not notice and answers
/// nobody. So there is a rate that a pod bears for long, about 180 requests a minute with these figures; a little above
/// it the queue grows now and then; and from about 250 on it grows until everything takes too long. A pod that got there
/// recovers only when much less is asked of it.
public struct PodModel: Hashable, Sendable {
  /// Requests that it works on at a time.
  public var workers = 2
  /// The mean work of a request in seconds, Erlang-distributed of order 4.
  public var workSeconds = 0.52
  /// By how much the work takes longer for each request that waits, as a share.
  public var contention = 0.016
  /// Requests that may wait; others are turned away with an error at once.
  public var queue = 100
  /// Seconds after which a client gives up.
  public var timeoutSeconds = 20.0

  /// Makes the pod of the experiment.
  public init() {}

  static let order = 4
}
