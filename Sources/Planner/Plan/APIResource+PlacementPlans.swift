package import Kubernetes

extension APIResource {
  /// Tonari's plans.
  package static let placementPlans = APIResource(
    group: "tonari.dev", version: "v1alpha1", plural: "placementplans", isNamespaced: false)
}
