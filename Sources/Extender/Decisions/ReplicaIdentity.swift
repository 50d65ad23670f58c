package import Kubernetes
package import Model

/// What a pod says of the workload that it is a replica of.
package struct ReplicaIdentity: Hashable, Sendable {
  /// How the workload is named.
  package enum Workload: Hashable, Sendable {
    /// By kind and name, as owner references do.
    case reference(WorkloadReference)
    /// By name alone, as the annotation `tonari.dev/workload` does.
    case name(WorkloadName)
  }

  /// The workload.
  package var workload: Workload
  /// Which version of the workload's template the pod is made from: the hash in its label `pod-template-hash` or
  /// `controller-revision-hash`; empty where it has none.
  ///
  /// While a workload is rolled out, replicas of the old template are on their way out: a plan's room is counted by the
  /// replicas of the same template.
  package var revision: String

  /// Makes an identity.
  package init(_ workload: Workload, revision: String = "") {
    self.workload = workload
    self.revision = revision
  }
}

extension ReplicaIdentity.Workload: CustomStringConvertible {
  /// `Deployment shop/cart`, or `shop/cart` where the kind is not known.
  package var description: String {
    switch self {
    case .reference(let reference): reference.description
    case .name(let name): name.description
    }
  }
}
