/// What is counted of a service, without its replicas.
package struct ServiceTally: Hashable, Sendable {
  /// What was asked since it was made.
  package var counts = PickCounts()
  /// Picks that are not complete.
  package var openPicks = 0
  /// Replicas that are there.
  package var replicas = 0
  /// Requests in flight at them that were dispatched here.
  package var inFlight = 0
  /// How often a replica was ejected since the service was made.
  package var ejections = 0

  /// Nothing yet.
  package init() {}

  /// Adds another service's.
  package mutating func add(_ other: ServiceTally) {
    counts.add(other.counts)
    openPicks += other.openPicks
    replicas += other.replicas
    inFlight += other.inFlight
    ejections += other.ejections
  }
}
