/// A ReplicaSet.
package struct ReplicaSet: Codable, Hashable, Sendable {
  /// Name, labels and the Deployment that it belongs to.
  package var metadata: ObjectMeta
  /// What is wanted.
  package var spec: ReplicatedSpec
}
