/// Pods, and the node label whose value is to be shared (or not shared) with them.
package struct PodAffinityTerm: Codable, Hashable, Sendable {
  /// Labels of the pods; nil selects none.
  package var labelSelector: LabelSelector?
  /// Namespaces of the pods; with no ``namespaceSelector`` either, the namespace of the pod that has the term.
  package var namespaces: [String]?
  /// Labels of further namespaces of the pods; an empty selector selects all namespaces.
  package var namespaceSelector: LabelSelector?
  /// The node label that defines what is next to each other.
  package var topologyKey: String
  /// Labels whose value must be the same as in the pod that has the term.
  package var matchLabelKeys: [String]?
  /// Labels whose value must not be the same as in the pod that has the term.
  package var mismatchLabelKeys: [String]?

  /// Whether the term selects a pod, for a pod `own` that has the term.
  package func selects(_ pod: PodIdentity, for own: PodIdentity) -> Bool {
    isInNamespaces(pod, for: own) && labelSelector?.matches(pod.labels) ?? false
      && (matchLabelKeys ?? []).allSatisfy { own.labels[$0] == nil || pod.labels[$0] == own.labels[$0] }
      && (mismatchLabelKeys ?? []).allSatisfy { own.labels[$0] == nil || pod.labels[$0] != own.labels[$0] }
  }

  private func isInNamespaces(_ pod: PodIdentity, for own: PodIdentity) -> Bool {
    let listed = namespaces ?? []
    guard let namespaceSelector else {
      return listed.isEmpty ? pod.namespace == own.namespace : listed.contains(pod.namespace)
    }
    return listed.contains(pod.namespace) || namespaceSelector.matches(pod.namespaceLabels)
  }
}
