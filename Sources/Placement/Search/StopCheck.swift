/// Asks whether to stop each time that so much work is done that asking costs nothing beside it.
///
/// What is done with sooner is never stopped: a small problem gets its first placement whatever the time limit.
final class StopCheck {
  /// About what takes a tenth of a second: looks at a node for a replica, or proposals.
  private static let interval = 2_000_000

  private let shouldStop: () -> Bool
  private var unchecked = 0
  /// Whether the work was stopped.
  private(set) var isStopped = false

  /// Makes a check; by default nothing stops the work.
  init(_ shouldStop: @escaping () -> Bool = { false }) { self.shouldStop = shouldStop }

  /// Notes work done, and answers whether to stop.
  func spend(_ work: Int) -> Bool {
    unchecked += work
    if unchecked >= Self.interval {
      unchecked = 0
      isStopped = isStopped || shouldStop()
    }
    return isStopped
  }
}
