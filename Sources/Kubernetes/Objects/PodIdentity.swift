/// A pod as selectors see it. Pods of one workload are alike in it.
package struct PodIdentity: Hashable, Sendable {
  /// The namespace.
  package var namespace: String
  /// The labels.
  package var labels: [String: String]
  /// The labels of the namespace.
  package var namespaceLabels: [String: String]

  /// Makes an identity.
  ///
  /// - Parameter namespaceLabels: the labels of the namespace; nil where it is not given. That of its name it always
  ///   has: the API server sees to it.
  package init(namespace: String, labels: [String: String], namespaceLabels: [String: String]? = nil) {
    self.namespace = namespace
    self.labels = labels
    self.namespaceLabels = namespaceLabels ?? [:]
    self.namespaceLabels[Namespace.nameLabel] = namespace
  }
}
