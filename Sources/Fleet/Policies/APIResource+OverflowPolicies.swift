package import Kubernetes

extension APIResource {
  /// Tonari's overflow policies.
  package static let overflowPolicies = APIResource(
    group: "tonari.dev", version: "v1alpha1", plural: "overflowpolicies")
}
