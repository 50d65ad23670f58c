/// A namespace.
public struct Namespace: Codable, Hashable, Sendable {
  /// Name and labels.
  public var metadata: ObjectMeta

  /// The label that says a namespace's name.
  public static let nameLabel = "kubernetes.io/metadata.name"
}
