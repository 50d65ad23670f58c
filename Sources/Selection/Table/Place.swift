/// Where somebody is, as a table knows it: made by ``ReplicaTable/place(node:zone:cluster:)``, so that a pick compares
/// numbers, not names. It stays valid as long as the table lives.
public struct Place: Hashable, Sendable {
  var node: Int32
  var zone: Int32
  var cluster: Int32

  init(node: Int32, zone: Int32, cluster: Int32) {
    self.node = node
    self.zone = zone
    self.cluster = cluster
  }

  /// Nowhere: every replica is equally far.
  public static let unknown = Place(node: -1, zone: -1, cluster: -1)
}
