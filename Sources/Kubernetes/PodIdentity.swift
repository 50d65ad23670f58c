/// A pod as selectors see it. Pods of one workload are alike in it.
public struct PodIdentity: Hashable, Sendable {
  /// The namespace.
  public var namespace: String
  /// The labels.
  public var labels: [String: String]

  /// Makes an identity.
  public init(namespace: String, labels: [String: String]) {
    self.namespace = namespace
    self.labels = labels
  }
}
