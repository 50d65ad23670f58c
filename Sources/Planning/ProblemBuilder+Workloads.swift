import Kubernetes
import Topology

/// Which workloads are planned, and which pods stay.
extension ProblemBuilder {
  mutating func takeWorkloads() {
    let declared = declaredWorkloads()
    var position: [WorkloadReference: Int] = [:]
    for workload in declared {
      if let reason = reasonToLeaveOut(workload.reference, replicas: workload.replicas) {
        unplanned[workload.name] = reason
      } else {
        position[workload.reference] = planned.count
        planned.append(workload)
      }
    }
    for daemonSet in snapshot.daemonSets { unplanned[daemonSet.metadata.fullName] = "a DaemonSet" }

    let references = Set(declared.map(\.reference))
    let owners = WorkloadOwners(snapshot.replicaSets)
    var unscheduled: [String] = []
    var daemonSetsWithPods: Set<WorkloadName> = []
    for (p, pod) in snapshot.pods.enumerated() where !pod.isFinished {
      let owner = owners.workload(of: pod)
      if let owner, owner.kind == DaemonSet.kind { daemonSetsWithPods.insert(owner.name) }
      let isTerminating = pod.metadata.deletionTimestamp != nil
      if let owner, !isTerminating, position[owner] == nil, !references.contains(owner),
        Self.plannedKinds.contains(owner.kind)
      {
        // The workload itself is not given: its pods tell what it is like.
        if let reason = reasonToLeaveOut(owner, replicas: 1) {
          unplanned[owner.name] = reason
        } else {
          position[owner] = planned.count
          planned.append(workload(owner, like: pod))
        }
      }
      if let owner, let w = position[owner] {
        if !isTerminating { planned[w].pods.append(p) }
        continue
      }
      if unplanned[owner?.name ?? pod.metadata.fullName] == nil {
        unplanned[owner?.name ?? pod.metadata.fullName] = owner.map { "a \($0.kind)" } ?? "a bare pod"
      }
      guard let name = pod.spec.nodeName, !name.isEmpty else {
        unscheduled.append("\(pod.metadata.fullName)")
        continue
      }
      if let node = place(pod) {
        fixed.append(
          Fixed(node: node, name: pod.metadata.fullName, labels: pod.metadata.labels ?? [:], spec: pod.spec)
        )
      }
    }
    if !unscheduled.isEmpty {
      warnings.add("not scheduled yet and not planned, left out: \(ProblemWarnings.list(unscheduled))")
    }
    countReplicasOfPods()
    reserveForDaemonSets(except: daemonSetsWithPods)
    for w in planned.indices { planned[w].requests = requests(of: planned[w]) }
  }

  /// The node of a pod; nil for one without, or on a node that takes no replicas.
  mutating func place(_ pod: Pod) -> Int? {
    guard let name = pod.spec.nodeName, !name.isEmpty else { return nil }
    if nodeIndex[name] == nil, !unusedNodes.contains(name) {
      warnings.add("not in the input, but pods run there; they are left out", about: "node \(name)")
    }
    return nodeIndex[name]
  }

  static let plannedKinds: Set<String> = [Deployment.kind, StatefulSet.kind, ReplicaSet.kind, Job.kind]

  private func reasonToLeaveOut(_ reference: WorkloadReference, replicas: Int) -> String? {
    if options.excludedNamespaces.contains(reference.name.namespace) {
      return "in the namespace \(reference.name.namespace), which is not planned"
    }
    if options.pinned.contains(reference.name) { return "pinned" }
    if replicas < 1 { return "without replicas" }
    return nil
  }

  private func declaredWorkloads() -> [Planned] {
    func reference<Object: ClusterObject>(_ object: Object) -> WorkloadReference {
      WorkloadReference(kind: Object.kind, name: object.metadata.fullName)
    }
    var workloads = snapshot.deployments.map {
      Planned(reference: reference($0), replicas: $0.spec.replicas ?? 1, template: $0.spec.template)
    }
    for set in snapshot.statefulSets {
      let first = set.spec.ordinals?.start ?? 0
      let replicas = set.spec.replicas ?? 1
      var workload = Planned(reference: reference(set), replicas: replicas, template: set.spec.template)
      let claims = (set.spec.volumeClaimTemplates ?? []).map(\.metadata.name)
      if !claims.isEmpty, replicas > 0 {
        workload.claimsOfReplica = (0..<replicas).map { replica in
          claims.map { "\($0)-\(set.metadata.name)-\(first + replica)" }
        }
      }
      workloads.append(workload)
    }
    workloads += snapshot.replicaSets.filter { $0.metadata.controller == nil }.map {
      Planned(reference: reference($0), replicas: $0.spec.replicas ?? 1, template: $0.spec.template)
    }
    workloads += snapshot.jobs.map {
      Planned(reference: reference($0), replicas: $0.runningPods, template: $0.spec.template)
    }
    return workloads
  }

  /// A workload that is known by its pods alone.
  private func workload(_ reference: WorkloadReference, like pod: Pod) -> Planned {
    // Labels that tell pods of one workload apart, or one revision from the next.
    let own: Set = [
      "pod-template-hash", "controller-revision-hash", "statefulset.kubernetes.io/pod-name",
      "apps.kubernetes.io/pod-index", "batch.kubernetes.io/job-completion-index",
    ]
    let labels = (pod.metadata.labels ?? [:]).filter { !own.contains($0.key) }
    var spec = pod.spec
    spec.nodeName = nil
    return Planned(
      reference: reference,
      replicas: 0,
      template: PodTemplate(metadata: TemplateMeta(labels: labels), spec: spec),
      specPath: "spec"
    )
  }

  /// Counts the replicas of workloads that are known by their pods alone, and collects the pods' claims.
  private mutating func countReplicasOfPods() {
    for w in planned.indices where planned[w].replicas == 0 {
      let specs = planned[w].pods.map { snapshot.pods[$0].spec }
      planned[w].replicas = specs.count
      planned[w].claimsOfReplica = specs.map(\.claims)
      planned[w].template.spec.volumes = nil
      warnings.add("not in the input; planned as its pods are", about: "\(planned[w].reference)")
    }
  }

  /// DaemonSets whose pods are not given will have one on each node that they match.
  private mutating func reserveForDaemonSets(except known: Set<WorkloadName>) {
    for daemonSet in snapshot.daemonSets where !known.contains(daemonSet.metadata.fullName) {
      let spec = daemonSet.podSpec
      for (n, node) in nodes.enumerated() where spec.selects(node) && spec.toleratesTaints(of: node) {
        fixed.append(
          Fixed(
            node: n,
            name: daemonSet.metadata.fullName,
            labels: daemonSet.spec.template.labels,
            spec: spec
          )
        )
      }
    }
  }

  /// What one replica requests: as the template says, or more where the running pods request more, because something
  /// (sidecar injection, a LimitRange, an autoscaler) added to them.
  private mutating func requests(of workload: Planned) -> [String: Quantity] {
    let template = workload.spec.effectiveRequests
    var requests = template
    for p in workload.pods { requests.merge(snapshot.pods[p].spec.effectiveRequests) { max($0, $1) } }
    let raised = requests.filter { $0.value > template[$0.key] ?? .zero }
    if !raised.isEmpty {
      let parts = raised.keys.sorted().map { "\($0) \(requests[$0] ?? .zero) instead of \(template[$0] ?? .zero)" }
      warnings.add(
        "its pods request more than \(workload.specPath): \(parts.joined(separator: ", ")); planned with the more",
        about: "\(workload.name)"
      )
    }
    return requests
  }
}

extension PodSpec {
  /// Names of the claims that the volumes stand for.
  var claims: [String] { (volumes ?? []).compactMap { $0.persistentVolumeClaim?.claimName } }
}
