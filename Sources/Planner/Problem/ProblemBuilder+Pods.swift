import Kubernetes
import Model

/// Which pods are replicas of the plan, and which stay where they are.
extension ProblemBuilder {
  mutating func takePods() {
    let owners = WorkloadOwners(snapshot.replicaSets)
    let pods = snapshot.pods.enumerated().filter { !$0.element.isFinished }
    for (_, pod) in pods where !pod.isTerminating {
      if let owner = owners.workload(of: pod) { takeWorkload(owner, of: pod) }
    }
    var unscheduled: [String] = []
    var leaving: [String] = []
    var served: [WorkloadName: Set<Int>] = [:]
    var waiting: [(daemonSet: WorkloadName, node: Int, pod: Pod)] = []
    for (p, pod) in pods {
      let owner = owners.workload(of: pod)
      let w = owner.flatMap { position[$0] }
      if w == nil { noteUnplanned(pod, owner) }
      if let w, !pod.isTerminating { planned[w].pods.append(p) }
      let ofDaemonSet = owner?.kind == DaemonSet.kind ? owner?.name : nil
      guard let node = place(pod) else {
        guard w == nil, (pod.spec.nodeName ?? "").isEmpty else { continue }
        if let ofDaemonSet, let node = pod.targetNode.flatMap({ nodeIndex[$0] }) {
          if !pod.isTerminating { waiting.append((ofDaemonSet, node, pod)) }
        } else {
          unscheduled.append("\(pod.metadata.fullName)")
        }
        continue
      }
      if let ofDaemonSet { served[ofDaemonSet, default: []].insert(node) }
      guard w == nil || pod.isTerminating || unready.contains(node) else { continue }
      fixed.append(fixedPod(pod, on: node, of: w))
      if pod.isTerminating { leaving.append("\(pod.metadata.fullName)") }
    }
    for (daemonSet, node, pod) in waiting
    where !unready.contains(node) && served[daemonSet, default: []].insert(node).inserted {
      fixed.append(fixedPod(pod, on: node))
    }
    if !unscheduled.isEmpty {
      warnings.add("not scheduled yet and not planned, left out: \(ProblemWarnings.list(unscheduled))")
    }
    if !leaving.isEmpty {
      warnings.add(
        "being deleted; until they are gone they take their room, and keep others away: \(ProblemWarnings.list(leaving))"
      )
    }
    reserveForDaemonSets(except: served)
  }

  /// A pod as selectors see it.
  func identity(_ namespace: String, _ labels: [String: String]) -> PodIdentity {
    PodIdentity(namespace: namespace, labels: labels, namespaceLabels: namespaceLabels[namespace])
  }

  private func fixedPod(_ pod: Pod, on node: Int, of workload: Int? = nil) -> Fixed {
    let name = pod.metadata.fullName
    return Fixed(
      node: node, name: name, identity: identity(name.namespace, pod.metadata.labels ?? [:]), spec: pod.spec,
      requests: pod.effectiveRequests, isTerminating: pod.isTerminating, workload: workload)
  }

  /// Plans a workload that is known by its pods alone.
  private mutating func takeWorkload(_ owner: WorkloadReference, of pod: Pod) {
    guard position[owner] == nil, !declared.contains(owner), Self.plannedKinds.contains(owner.kind) else { return }
    take(workload(owner, like: pod))
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

  /// The node of a pod; nil for one without, or on a node that is not given.
  mutating func place(_ pod: Pod) -> Int? {
    guard let name = pod.spec.nodeName, !name.isEmpty else { return nil }
    if nodeIndex[name] == nil {
      warnings.add("not in the input, but pods run there; they are left out", about: "node \(name)")
    }
    return nodeIndex[name]
  }

  /// A DaemonSet will have a pod on each node that it matches, also where it has none yet.
  private mutating func reserveForDaemonSets(except served: [WorkloadName: Set<Int>]) {
    for daemonSet in snapshot.daemonSets {
      let name = daemonSet.metadata.fullName
      let spec = daemonSet.podSpec
      let pod = Fixed(
        node: 0, name: name, identity: identity(name.namespace, daemonSet.spec.template.labels), spec: spec,
        requests: spec.effectiveRequests)
      for (n, node) in nodes.enumerated()
      where !unready.contains(n) && served[name]?.contains(n) != true && spec.selects(node)
        && spec.toleratesTaints(of: node)
      {
        fixed.append(pod)
        fixed[fixed.count - 1].node = n
      }
    }
  }
}
