import Topology

/// Answers to which workload a pod belongs, through its owner references.
///
/// A ReplicaSet's pods belong to the ReplicaSet's owner. Where the ReplicaSet itself is not given, a pod with the label
/// `pod-template-hash` tells the Deployment: the ReplicaSet is named `<deployment>-<hash>`.
public struct WorkloadOwners: Sendable {
  private var ownerOfReplicaSet: [WorkloadName: WorkloadReference] = [:]

  /// Makes the answers for the ReplicaSets that are given.
  public init(_ replicaSets: [ReplicaSet]) {
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
  public func workload(of pod: Pod) -> WorkloadReference? {
    guard let owner = pod.metadata.controller else { return nil }
    let name = WorkloadName(namespace: pod.metadata.fullName.namespace, name: owner.name)
    guard owner.kind == ReplicaSet.kind else { return WorkloadReference(kind: owner.kind, name: name) }
    if let known = ownerOfReplicaSet[name] { return known }
    if let hash = pod.metadata.labels?["pod-template-hash"], owner.name.hasSuffix("-\(hash)") {
      let deployment = WorkloadName(namespace: name.namespace, name: String(owner.name.dropLast(hash.count + 1)))
      return WorkloadReference(kind: Deployment.kind, name: deployment)
    }
    return WorkloadReference(kind: ReplicaSet.kind, name: name)
  }
}
