import Kubernetes
import Topology

/// Which pods are replicas of the plan, and which stay where they are.
extension ProblemBuilder {
  mutating func takePods() {
    let owners = WorkloadOwners(snapshot.replicaSets)
    var unscheduled: [String] = []
    var daemonSetsWithPods: Set<WorkloadName> = []
    for (p, pod) in snapshot.pods.enumerated() where !pod.isFinished {
      let owner = owners.workload(of: pod)
      if let owner, isReplica(p, of: owner) { continue }
      if let owner, owner.kind == DaemonSet.kind { daemonSetsWithPods.insert(owner.name) }
      noteUnplanned(pod, owner)
      if let node = place(pod) {
        let identity = PodIdentity(namespace: pod.metadata.fullName.namespace, labels: pod.metadata.labels ?? [:])
        fixed.append(Fixed(node: node, name: pod.metadata.fullName, identity: identity, spec: pod.spec))
      } else if (pod.spec.nodeName ?? "").isEmpty {
        unscheduled.append("\(pod.metadata.fullName)")
      }
    }
    if !unscheduled.isEmpty {
      warnings.add("not scheduled yet and not planned, left out: \(ProblemWarnings.list(unscheduled))")
    }
    reserveForDaemonSets(except: daemonSetsWithPods)
  }

  /// Whether the pod is of a planned workload, which may become known by it. A pod that is being deleted is none of its
  /// replicas any more, but does not stay either.
  private mutating func isReplica(_ p: Int, of owner: WorkloadReference) -> Bool {
    let pod = snapshot.pods[p]
    let isTerminating = pod.metadata.deletionTimestamp != nil
    if position[owner] == nil, !declared.contains(owner), !isTerminating, Self.plannedKinds.contains(owner.kind) {
      take(workload(owner, like: pod))
    }
    guard let w = position[owner] else { return false }
    if !isTerminating { planned[w].pods.append(p) }
    return true
  }

  private mutating func noteUnplanned(_ pod: Pod, _ owner: WorkloadReference?) {
    switch owner {
    case nil:
      unplanned[pod.metadata.fullName] = "a bare pod"
    case .some(let owner) where owner.kind == "Node":
      unplanned[pod.metadata.fullName] = "a static pod"
    case .some(let owner):
      if unplanned[owner.name] == nil { unplanned[owner.name] = "a \(owner.kind)" }
      if owner.kind != DaemonSet.kind, !Self.plannedKinds.contains(owner.kind) {
        warnings.add("of a kind that is not planned; its pods stay where they are", about: "\(owner)")
      }
    }
  }

  /// The node of a pod; nil for one without, or on a node that takes no replicas.
  mutating func place(_ pod: Pod) -> Int? {
    guard let name = pod.spec.nodeName, !name.isEmpty else { return nil }
    if nodeIndex[name] == nil, !unusedNodes.contains(name) {
      warnings.add("not in the input, but pods run there; they are left out", about: "node \(name)")
    }
    return nodeIndex[name]
  }

  /// DaemonSets whose pods are not given will have one on each node that they match.
  private mutating func reserveForDaemonSets(except known: Set<WorkloadName>) {
    for daemonSet in snapshot.daemonSets where !known.contains(daemonSet.metadata.fullName) {
      let name = daemonSet.metadata.fullName
      let identity = PodIdentity(namespace: name.namespace, labels: daemonSet.spec.template.labels)
      let spec = daemonSet.podSpec
      for (n, node) in nodes.enumerated() where spec.selects(node) && spec.toleratesTaints(of: node) {
        fixed.append(Fixed(node: n, name: name, identity: identity, spec: spec))
      }
    }
  }
}
