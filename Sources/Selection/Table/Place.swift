public import Model

/// Where somebody is, made from names once, so that a pick compares numbers.
///
/// The numbers are hashes of the names and the same everywhere: a place is good for every table, and one that no replica
/// has costs nothing to know.
public struct Place: Hashable, Sendable {
  var node: UInt64
  var zone: UInt64
  var cluster: UInt64

  /// Makes a place from its names; nil where a part is not known. What has a zone or a node and no cluster is in the one
  /// cluster that has no name, and so with zones.
  public init(node: String?, zone: String? = nil, cluster: String? = nil) {
    self = .unknown
    guard node != nil || zone != nil || cluster != nil else { return }
    self.cluster = Self.number(cluster, in: 1)
    guard node != nil || zone != nil else { return }
    self.zone = Self.number(zone, in: self.cluster)
    guard node != nil else { return }
    // Node names are unique in a cluster: who knows its node and not its zone finds its neighbours all the same.
    self.node = Self.number(node, in: ~self.cluster)
  }

  /// A node or a zone of this place's cluster; nil where a part is not known.
  public func neighbour(node: String?, zone: String? = nil) -> Place {
    guard cluster != 0 else { return Place(node: node, zone: zone) }
    guard node != nil || zone != nil else { return self }
    var place = self
    place.zone = Self.number(zone, in: cluster)
    place.node = node.map { Self.number($0, in: ~cluster) } ?? 0
    return place
  }

  /// How far another place is from here.
  public func tier(of there: Place) -> Tier {
    if there.node != 0, there.node == node { return .node }
    if there.zone != 0, there.zone == zone { return .zone }
    if there.cluster != 0, there.cluster == cluster { return .cluster }
    return .remote
  }

  private init() {
    (node, zone, cluster) = (0, 0, 0)
  }

  /// Nowhere: every replica is equally far.
  public static let unknown = Place()

  /// A number above zero, which is what is unknown.
  private static func number(_ name: String?, in around: UInt64) -> UInt64 {
    max(1, StableHash.mix(around ^ StableHash.of(name ?? "")))
  }
}
