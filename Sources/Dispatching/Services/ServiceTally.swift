/// What is counted of a service, without its replicas.
public struct ServiceTally: Hashable, Sendable {
  /// What was asked since it was made.
  public var counts = PickCounts()
  /// Picks that are not complete.
  public var openPicks = 0
  /// Replicas that are there.
  public var replicas = 0
  /// Requests in flight at them that were dispatched here.
  public var inFlight = 0
  /// How often a replica was ejected since the service was made.
  public var ejections = 0

  /// Nothing yet.
  public init() {}

  /// Adds another service's.
  public mutating func add(_ other: ServiceTally) {
    counts.add(other.counts)
    openPicks += other.openPicks
    replicas += other.replicas
    inFlight += other.inFlight
    ejections += other.ejections
  }
}
