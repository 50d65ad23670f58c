/// What one unit of traffic costs by the tightest tier that holds both of its ends.
///
/// The costs have no unit; only their ratios matter. They must not fall from tier to tier.
public struct HopCosts: Hashable, Sendable {
  /// Both ends on the same node.
  public var node: Double
  /// Both ends in the same zone, on different nodes.
  public var zone: Double
  /// Both ends in the same cluster, in different zones.
  public var cluster: Double
  /// The ends in different clusters.
  public var remote: Double

  /// Makes hop costs; by default 0 on a node, 1 in a zone, 4 in a cluster, 20 beyond.
  public init(node: Double = 0, zone: Double = 1, cluster: Double = 4, remote: Double = 20) {
    self.node = node
    self.zone = zone
    self.cluster = cluster
    self.remote = remote
  }

  /// What leaving the node costs: `cost(zone) − cost(node)`.
  public var leavingNode: Double { zone - node }
  /// What leaving the zone costs on top of leaving the node: `cost(cluster) − cost(zone)`.
  public var leavingZone: Double { cluster - zone }
  /// What leaving the cluster costs on top of leaving the zone: `cost(remote) − cost(cluster)`.
  public var leavingCluster: Double { remote - cluster }
}
