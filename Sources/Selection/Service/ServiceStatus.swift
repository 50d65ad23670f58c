package import Overflow

/// All there is to know of a service.
package struct ServiceStatus: Hashable, Sendable {
  /// Its name.
  package var name: String
  /// Grows with each change of the replicas, not of their load.
  package var revision: UInt64
  /// The policy that picks.
  package var policy: PolicyName
  /// The replicas, those of a node, a zone and a cluster side by side.
  package var replicas: [ReplicaStatus]
  /// What was asked since it was made.
  package var counts: PickCounts
  /// How often a replica was ejected since it was made.
  package var ejections: Int
  /// Picks that are not complete.
  package var openPicks: Int
  /// What becomes of requests that are too many for the own cluster; nil where no policy says so.
  package var overflow: OverflowStatus?
}

/// How a replica is.
package struct ReplicaStatus: Hashable, Sendable {
  /// What is known of it beforehand, with its present state.
  package var replica: ServiceReplica
  /// What was found out about it.
  package var view: ReplicaView
  /// Picks since it joined.
  package var picks: UInt64
  /// Those of them that failed.
  package var failures: UInt64
}
