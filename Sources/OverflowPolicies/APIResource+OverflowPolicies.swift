public import Kubernetes

extension APIResource {
  /// Tonari's overflow policies.
  public static let overflowPolicies = APIResource(
    group: "tonari.dev", version: "v1alpha1", plural: "overflowpolicies")
}
