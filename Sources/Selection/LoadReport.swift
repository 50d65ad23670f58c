/// What a replica, its agent or a probe says about a replica's load.
public struct LoadReport: Hashable, Sendable {
  /// Requests in flight there, whoever dispatched them.
  public var inFlight: Int
  /// What a request takes there at this load, in seconds; nil where it does not say.
  public var latencySeconds: Double?

  /// Makes a report.
  public init(inFlight: Int, latencySeconds: Double? = nil) {
    self.inFlight = inFlight
    self.latencySeconds = latencySeconds
  }
}
