import Model

/// Answers to which workload a pod belongs, through its owner references.
///
/// A ReplicaSet's pods belong to the ReplicaSet's owner. Where the ReplicaSet itself is not given, a pod with the label
/// `pod-template-hash` tells the Deployment: the ReplicaSet is named `<deployment>-<hash>`.
package struct WorkloadOwners: Sendable {
  private var ownerOfReplicaSet: [WorkloadName: WorkloadReference] = [:]

  /// Makes the answers for the ReplicaSets that are given.
  package init(_ replicaSets: [ReplicaSet]) {
    for replicaSet in replicaSets {
      let name = replicaSet.metadata.fullName
      ownerOfReplicaSet[name] =
        replicaSet.metadata.controller.map { owner in
          WorkloadReference(kind: owner.kind, name: WorkloadName(namespace: name.namespace, name: owner.name))
        } ?? WorkloadReference(kind: ReplicaSet.kind, name: name)
    }
  }

  /// The workload of a pod; nil for a bare pod. Its kind may be one that is not known here, such as `Rollout`, or
  /// `Node` for a static pod.
  package func workload(of pod: Pod) -> WorkloadReference? {
    guard let owner = pod.metadata.controller else { return nil }
    return workload(
      ofPodIn: pod.metadata.fullName.namespace, ownerKind: owner.kind, ownerName: owner.name,
      templateHash: pod.metadata.labels?["pod-template-hash"])
  }

  /// The workload of a pod that is controlled by an owner.
  ///
  /// - Parameters:
  ///   - namespace: The pod's namespace.
  ///   - ownerKind: The kind of its controller.
  ///   - ownerName: The name of its controller.
  ///   - templateHash: Its label `pod-template-hash`; nil where it has none.
  package func workload(
    ofPodIn namespace: String, ownerKind: String, ownerName: String, templateHash: String?
  ) -> WorkloadReference {
    let name = WorkloadName(namespace: namespace, name: ownerName)
    guard ownerKind == ReplicaSet.kind else { return WorkloadReference(kind: ownerKind, name: name) }
    if let known = ownerOfReplicaSet[name] { return known }
    if let templateHash, ownerName.hasSuffix("-\(templateHash)") {
      let deployment = WorkloadName(namespace: namespace, name: String(ownerName.dropLast(templateHash.count + 1)))
      return WorkloadReference(kind: Deployment.kind, name: deployment)
    }
    return WorkloadReference(kind: ReplicaSet.kind, name: name)
  }
}
