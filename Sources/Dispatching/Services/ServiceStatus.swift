public import Selection

/// All there is to know of a service.
public struct ServiceStatus: Hashable, Sendable {
  /// Its name.
  public var name: String
  /// Grows with each change of the replicas, not of their load.
  public var revision: UInt64
  /// The policy that picks.
  public var policy: PolicyName
  /// The replicas, those of a node, a zone and a cluster side by side.
  public var replicas: [ReplicaStatus]
  /// What was asked since it was made.
  public var counts: PickCounts
  /// How often a replica was ejected since it was made.
  public var ejections: Int
  /// Picks that are not complete.
  public var openPicks: Int
  /// What becomes of requests that are too many for the own cluster; nil where no policy says so.
  public var overflow: OverflowStatus?
}

/// How a replica is.
public struct ReplicaStatus: Hashable, Sendable {
  /// What is known of it beforehand, with its present state.
  public var replica: ServiceReplica
  /// What was found out about it.
  public var view: ReplicaView
  /// Picks since it joined.
  public var picks: UInt64
  /// Those of them that failed.
  public var failures: UInt64
}
