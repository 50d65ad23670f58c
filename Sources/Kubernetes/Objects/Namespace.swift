/// A namespace.
package struct Namespace: Codable, Hashable, Sendable {
  /// Name and labels.
  package var metadata: ObjectMeta

  /// The label that says a namespace's name.
  package static let nameLabel = "kubernetes.io/metadata.name"
}
