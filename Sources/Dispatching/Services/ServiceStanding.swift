/// What changes when a service's replicas come, go, change their state, or are ejected or let back.
public struct ServiceStanding: Hashable, Sendable {
  /// ``ServiceStatus/revision``.
  public var revision: UInt64
  /// How often a replica was ejected since the service was made.
  public var ejections: Int
  /// How many replicas are ejected now.
  public var ejected: Int
}
