import Kubernetes
import Topology

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
    identities = planned.map { PodIdentity(namespace: $0.name.namespace, labels: $0.template.labels) }
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
    // Labels that tell pods of one workload apart, or one revision from the next.
    let own: Set = [
      "pod-template-hash", "controller-revision-hash", "statefulset.kubernetes.io/pod-name",
      "apps.kubernetes.io/pod-index", "batch.kubernetes.io/job-completion-index",
    ]
    let labels = (pod.metadata.labels ?? [:]).filter { !own.contains($0.key) }
    var spec = pod.spec
    spec.nodeName = nil
    let template = PodTemplate(metadata: TemplateMeta(labels: labels), spec: spec)
    return Planned(reference: reference, replicas: nil, template: template, specPath: "spec")
  }

  private mutating func countReplicasOfPods() {
    for w in planned.indices where planned[w].replicas == nil {
      let specs = planned[w].pods.map { snapshot.pods[$0].spec }
      planned[w].replicas = specs.count
      planned[w].claimsOfReplica = specs.map { ($0.volumes ?? []).compactMap { $0.persistentVolumeClaim?.claimName } }
      planned[w].template.spec.volumes = nil
      warnings.add("not in the input; planned as its pods are", about: "\(planned[w].reference)")
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

extension StatefulSet {
  /// The claims of each replica; empty where there are none.
  fileprivate var claimsOfReplica: [[String]] {
    let claims = (spec.volumeClaimTemplates ?? []).map(\.metadata.name)
    guard !claims.isEmpty else { return [] }
    let first = Int(clamping: spec.ordinals?.start ?? 0)
    // No cluster holds more; a number by mistake should not fill the memory before the plan says that there is no room.
    let replicas = min(max(0, Int(spec.replicas ?? 1)), 100_000)
    return (first..<first + replicas).map { ordinal in claims.map { "\($0)-\(metadata.name)-\(ordinal)" } }
  }
}
