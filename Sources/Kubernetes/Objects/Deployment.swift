/// A Deployment.
package struct Deployment: Codable, Hashable, Sendable {
  /// Name and labels.
  package var metadata: ObjectMeta
  /// What is wanted.
  package var spec: ReplicatedSpec
}

/// Replicas of a pod template; the spec of a Deployment and of a ReplicaSet.
package struct ReplicatedSpec: Codable, Hashable, Sendable {
  /// How many pods; nil means 1.
  package var replicas: Int32?
  /// What the pods are made from.
  package var template: PodTemplate
}
