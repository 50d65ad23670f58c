/// A pod as selectors see it. Pods of one workload are alike in it.
public struct PodIdentity: Hashable, Sendable {
  /// The namespace.
  public var namespace: String
  /// The labels.
  public var labels: [String: String]
  /// The labels of the namespace.
  public var namespaceLabels: [String: String]

  /// Makes an identity.
  ///
  /// - Parameter namespaceLabels: the labels of the namespace; nil where it is not given. That of its name it always
  ///   has: the API server sees to it.
  public init(namespace: String, labels: [String: String], namespaceLabels: [String: String]? = nil) {
    self.namespace = namespace
    self.labels = labels
    self.namespaceLabels = namespaceLabels ?? [:]
    self.namespaceLabels[Namespace.nameLabel] = namespace
  }
}
