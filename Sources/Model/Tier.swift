/// How far a replica is from who asks: the tightest place that holds both.
public enum Tier: Int, CaseIterable, Comparable, Hashable, Sendable {
  /// The same node.
  case node
  /// The same zone, on another node.
  case zone
  /// The same cluster, in another zone.
  case cluster
  /// Another cluster, or the asker did not say where it is.
  case remote

  /// Whether a tier is nearer than another.
  public static func < (a: Tier, b: Tier) -> Bool { a.rawValue < b.rawValue }
}
