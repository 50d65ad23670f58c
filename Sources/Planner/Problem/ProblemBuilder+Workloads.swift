import Kubernetes
import Model

/// Which workloads are planned, and what their replicas are like.
extension ProblemBuilder {
  static let plannedKinds: Set<String> = [Deployment.kind, StatefulSet.kind, ReplicaSet.kind, Job.kind]

  mutating func takeWorkloads() {
    for workload in declaredWorkloads() {
      declared.insert(workload.reference)
      take(workload)
    }
    for daemonSet in snapshot.daemonSets { unplanned[daemonSet.metadata.fullName] = "a DaemonSet" }
    takePods()
    countReplicasOfPods()
    for w in planned.indices { planned[w].requests = requests(of: planned[w]) }
    let revisions = revisions()
    identities = planned.indices.map { w in
      let labels = planned[w].template.labels.merging(revisions[w]) { own, _ in own }
      return identity(planned[w].name.namespace, labels)
    }
    identityIndex = IdentityIndex(identities)
  }

  /// Plans a workload, or notes why not.
  mutating func take(_ workload: Planned) {
    let name = workload.name
    if options.excludedNamespaces.contains(name.namespace) {
      unplanned[name] = "in the namespace \(name.namespace), which is not planned"
    } else if options.pinned.contains(name) {
      unplanned[name] = "pinned"
    } else if let replicas = workload.replicas, replicas < 1 {
      unplanned[name] = "without replicas"
    } else {
      position[workload.reference] = planned.count
      planned.append(workload)
    }
  }

  private func declaredWorkloads() -> [Planned] {
    func workload(_ object: some ClusterObject, _ replicas: Int, _ template: PodTemplate) -> Planned {
      let reference = WorkloadReference(kind: type(of: object).kind, name: object.metadata.fullName)
      return Planned(reference: reference, replicas: replicas, template: template)
    }
    var workloads = snapshot.deployments.map { workload($0, Int($0.spec.replicas ?? 1), $0.spec.template) }
    workloads += snapshot.statefulSets.map { set in
      var workload = workload(set, Int(set.spec.replicas ?? 1), set.spec.template)
      workload.claimsOfReplica = set.claimsOfReplica
      return workload
    }
    let bare = snapshot.replicaSets.filter { $0.metadata.controller == nil }
    workloads += bare.map { workload($0, Int($0.spec.replicas ?? 1), $0.spec.template) }
    workloads += snapshot.jobs.map { workload($0, $0.runningPods, $0.spec.template) }
    return workloads
  }

  /// A workload that is known by its pods alone; how many they are is counted at the end.
  func workload(_ reference: WorkloadReference, like pod: Pod) -> Planned {
    Planned(reference: reference, replicas: nil, template: template(like: pod), specPath: "spec")
  }

  private func template(like pod: Pod) -> PodTemplate {
    // Labels that tell pods of one workload apart, or one revision from the next.
    let own = Set(Self.revisionLabels.values).union([
      "statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index", "batch.kubernetes.io/job-completion-index",
    ])
    let labels = (pod.metadata.labels ?? [:]).filter { !own.contains($0.key) }
    var spec = pod.spec
    spec.nodeName = nil
    return PodTemplate(metadata: TemplateMeta(labels: labels), spec: spec)
  }

  /// The label that tells the pods of one revision of a workload from those of the next, by kind.
  private static let revisionLabels = [
    Deployment.kind: "pod-template-hash", StatefulSet.kind: "controller-revision-hash",
  ]

  /// The labels that new pods of each workload get by its revision, as `matchLabelKeys` compares them, and the selectors
  /// that the API server makes of it. Where the revision is not known, the label's value is like no other.
  private func revisions() -> [[String: String]] {
    var ofDeployment: [WorkloadReference: (number: Int, hash: String)] = [:]
    for replicaSet in snapshot.replicaSets {
      guard let owner = replicaSet.metadata.controller, owner.kind == Deployment.kind,
        let hash = replicaSet.metadata.labels?["pod-template-hash"]
      else { continue }
      let namespace = replicaSet.metadata.fullName.namespace
      let reference = WorkloadReference(
        kind: Deployment.kind, name: WorkloadName(namespace: namespace, name: owner.name))
      let number = replicaSet.metadata.annotations?["deployment.kubernetes.io/revision"].flatMap { Int($0) } ?? 0
      if number > ofDeployment[reference]?.number ?? -1 { ofDeployment[reference] = (number, hash) }
    }
    let sets = Dictionary(
      snapshot.statefulSets.map { ($0.metadata.fullName, $0.status?.updateRevision) },
      uniquingKeysWith: { first, _ in first })
    return planned.map { workload in
      guard let label = Self.revisionLabels[workload.reference.kind] else { return [:] }
      let known = ofDeployment[workload.reference]?.hash
      let updated = workload.reference.kind == StatefulSet.kind ? sets[workload.name] ?? nil : nil
      let newest = newestPod(of: workload)?.metadata.labels?[label]
      return [label: known ?? updated ?? newest ?? "\(workload.name)"]
    }
  }

  private func newestPod(of workload: Planned) -> Pod? {
    workload.pods.map { snapshot.pods[$0] }
      .max { $0.metadata.creationTimestamp ?? "" < $1.metadata.creationTimestamp ?? "" }
  }

  private mutating func countReplicasOfPods() {
    for w in planned.indices where planned[w].replicas == nil {
      let specs = planned[w].pods.map { snapshot.pods[$0].spec }
      if let newest = newestPod(of: planned[w]) { planned[w].template = template(like: newest) }
      planned[w].replicas = specs.count
      takeClaimsOfPods(w)
      warnings.add("not in the input; planned as its pods are", about: "\(planned[w].reference)")
    }
  }

  /// Claims that all pods share stay in the template; where they differ, each replica has its own.
  private mutating func takeClaimsOfPods(_ w: Int) {
    func names(_ spec: PodSpec) -> [String] { (spec.volumes ?? []).compactMap { $0.persistentVolumeClaim?.claimName } }
    let pods = planned[w].pods.map { snapshot.pods[$0] }
    guard Set(pods.map { Set(names($0.spec)) }).count > 1 else { return }
    planned[w].claimsOfReplica = pods.map { pod in
      names(pod.spec).map { OwnClaim(name: $0, template: nil, pod: pod.metadata.name) }
    }
    planned[w].template.spec.volumes?.removeAll { $0.persistentVolumeClaim != nil }
  }

  /// What one replica requests: as the template says, or more where the running pods request more, because something
  /// (sidecar injection, a LimitRange, an autoscaler) added to them.
  private mutating func requests(of workload: Planned) -> [String: Quantity] {
    let template = workload.spec.effectiveRequests
    var requests = template
    for p in workload.pods { requests.merge(snapshot.pods[p].effectiveRequests) { max($0, $1) } }
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

extension StatefulSet {
  /// The claims of each replica; empty where there are none.
  fileprivate var claimsOfReplica: [[ProblemBuilder.OwnClaim]] {
    let templates = spec.volumeClaimTemplates ?? []
    guard !templates.isEmpty else { return [] }
    let first = Int(clamping: spec.ordinals?.start ?? 0)
    // No cluster holds more; a number by mistake should not fill the memory before the plan says that there is no room.
    let replicas = min(max(0, Int(spec.replicas ?? 1)), 100_000)
    return (first..<first + replicas).map { ordinal in
      let pod = "\(metadata.name)-\(ordinal)"
      return templates.map { template in
        ProblemBuilder.OwnClaim(
          name: "\(template.metadata.name)-\(pod)", template: template.spec ?? PersistentVolumeClaimSpec(), pod: pod)
      }
    }
  }
}
