/// Names an object among those of its kind.
public struct ObjectKey: Hashable, Sendable {
  /// The namespace; empty for objects of the cluster.
  public var namespace: String
  /// The name.
  public var name: String

  /// Makes a key.
  public init(namespace: String = "", name: String) {
    self.namespace = namespace
    self.name = name
  }
}

extension ObjectKey: Comparable, CustomStringConvertible {
  /// Orders by namespace, then by name.
  public static func < (a: ObjectKey, b: ObjectKey) -> Bool {
    a.namespace == b.namespace ? a.name < b.name : a.namespace < b.namespace
  }

  /// `namespace/name`, or the name alone for objects of the cluster.
  public var description: String { namespace.isEmpty ? name : "\(namespace)/\(name)" }
}
