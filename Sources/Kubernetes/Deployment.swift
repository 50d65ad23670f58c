/// A Deployment.
public struct Deployment: Codable, Hashable, Sendable {
  /// Name and labels.
  public var metadata: ObjectMeta
  /// What is wanted.
  public var spec: ReplicatedSpec
}

/// Replicas of a pod template; the spec of a Deployment and of a ReplicaSet.
public struct ReplicatedSpec: Codable, Hashable, Sendable {
  /// How many pods; nil means 1.
  public var replicas: Int32?
  /// What the pods are made from.
  public var template: PodTemplate
}
