public import Model

/// When a request leaves a tier although there is a replica in it.
///
/// A farther replica is picked where its cost, times the prices of the tiers on the way, is below that of the best
/// nearer one. Costs move with every request, so that only the excess moves out, and back.
public struct SpillOptions: Hashable, Sendable {
  /// The price of leaving a node for its zone; at least 1, as the others.
  public var leavingNode: Double
  /// The price of leaving a zone for its cluster.
  public var leavingZone: Double
  /// The price of leaving a cluster.
  public var leavingCluster: Double
  /// A price on top while the nearer replica would start on the request at once.
  public var leavingRoom: Double

  /// Makes options.
  ///
  /// With the defaults, replicas that all have as much to do as they can keep the share on its node that a plan promises
  /// for even load, and more with less to do. With a lower price of leaving a node, requests that find theirs full take
  /// the room of others on theirs, who have to leave in turn.
  public init(
    leavingNode: Double = 2, leavingZone: Double = 1.5, leavingCluster: Double = 2, leavingRoom: Double = 1.5
  ) {
    self.leavingNode = leavingNode
    self.leavingZone = leavingZone
    self.leavingCluster = leavingCluster
    self.leavingRoom = leavingRoom
  }

  /// The price of going from a tier to a farther one.
  public func price(from near: Tier, to far: Tier) -> Double {
    var price = 1.0
    if near <= .node, far > .node { price *= leavingNode }
    if near <= .zone, far > .zone { price *= leavingZone }
    if near <= .cluster, far > .cluster { price *= leavingCluster }
    return price
  }
}
