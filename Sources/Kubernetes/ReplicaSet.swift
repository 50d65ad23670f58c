/// A ReplicaSet.
public struct ReplicaSet: Codable, Hashable, Sendable {
  /// Name, labels and the Deployment that it belongs to.
  public var metadata: ObjectMeta
  /// What is wanted.
  public var spec: ReplicatedSpec
}
