import Formats
import Kubernetes
import Model
import Placement
import Testing
import Traffic

@testable import Planner

/// Random clusters and random placements: what the problem allows, kube-scheduler's filters allow, and the other way
/// round.
@Suite("The problem and the scheduler agree")
struct ProblemAgreementTests {
  @Test("on which placements are allowed", arguments: 0..<10)
  func agreement(block: Int) throws {
    var allowedCount = 0
    var refusedCount = 0
    for run in 0..<25 {
      var generator = SeededGenerator(seed: UInt64(block * 1000 + run))
      let manifests = Self.cluster(&generator)
      let snapshot = try snapshot(manifests)
      let cluster = ClusterProblem(snapshot)
      let model = SchedulerModel(nodes: snapshot.nodes)
      let staying = Self.staying(snapshot)
      let isSelfAffine = snapshot.deployments.contains(where: Self.isSelfAffine)
      let hasCompany = snapshot.deployments.contains { Self.isSelfAffine($0) && Self.selectsOthers($0, snapshot) }
      for _ in 0..<40 {
        let assignment = Self.placement(of: cluster.problem, &generator)
        let pods = Self.pods(assignment, snapshot)
        let isAllowed = cluster.problem.violations(assignment).isEmpty
        let canStart = pods.indices.allSatisfy { p in
          model.allows(pods[p], beside: staying + pods[..<p] + pods[(p + 1)...])
        }
        // Two groups of a workload that wants to be with itself keep each other, but never come to be.
        let isSchedulable = canStart && (!isSelfAffine || Self.schedule(pods, beside: staying, model))
        if isAllowed { allowedCount += 1 } else { refusedCount += 1 }
        // A workload that wants to be with itself or others may start without them, where it comes first by chance. A
        // plan does not count on that.
        if isAllowed != isSchedulable, isAllowed || !hasCompany {
          Issue.record(
            "seed \(block * 1000 + run): the problem says \(isAllowed), the scheduler \(isSchedulable) of \(assignment.placed) on\n\(manifests)"
          )
          return
        }
        if isAllowed, !Self.schedule(pods, beside: staying, model) {
          Issue.record("seed \(block * 1000 + run): no order schedules \(assignment.placed) on\n\(manifests)")
          return
        }
      }
    }
    #expect(allowedCount > 20)
    #expect(refusedCount > 20)
  }

  @Test("on which nodes take the next pod", arguments: 0..<10)
  func nextPod(block: Int) throws {
    var counts = (feasible: 0, refused: 0)
    for run in 0..<25 {
      var generator = SeededGenerator(seed: UInt64(block * 1000 + run))
      let manifests = Self.cluster(&generator)
      let snapshot = try snapshot(manifests)
      let model = SchedulerModel(nodes: snapshot.nodes)
      let staying = Self.staying(snapshot)
      var scheduler = DefaultScheduler(try PlanInput(ClusterProblem(snapshot), TrafficGraph()))
      for (w, deployment) in snapshot.deployments.enumerated() {
        for _ in 0..<(deployment.spec.replicas ?? 1) {
          let running = staying + Self.pods(scheduler.assignment, snapshot)
          let feasible = scheduler.feasibleNodes(for: w)
          for n in snapshot.nodes.indices {
            var one = Assignment(placed: snapshot.deployments.map { _ in [] })
            one.placed[w] = [Problem.Placed(node: n, replicas: 1)]
            let isAllowed = model.allows(Self.pods(one, snapshot)[0], beside: running)
            if isAllowed { counts.feasible += 1 } else { counts.refused += 1 }
            #expect(feasible.contains(n) == isAllowed, "seed \(block * 1000 + run): \(w) on \(n) in\n\(manifests)")
          }
          if let node = scheduler.choose(among: feasible, scores: scheduler.scores(of: w, on: feasible)) {
            scheduler.bind(w, to: node)
          }
        }
      }
    }
    #expect(counts.feasible > 20)
    #expect(counts.refused > 20)
  }

  /// Whether the pods can be scheduled one after the other, each as soon as it may.
  private static func schedule(
    _ pods: [SchedulerModel.PlacedPod], beside staying: [SchedulerModel.PlacedPod], _ model: SchedulerModel
  ) -> Bool {
    var running = staying
    var waiting = pods
    while let next = waiting.firstIndex(where: { model.allows($0, beside: running) }) {
      running.append(waiting.remove(at: next))
    }
    return waiting.isEmpty
  }

  private static func isSelfAffine(_ deployment: Deployment) -> Bool {
    let template = deployment.spec.template
    let own = PodIdentity(namespace: deployment.metadata.fullName.namespace, labels: template.labels)
    let terms = template.spec.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []
    return !terms.isEmpty && terms.allSatisfy { $0.selects(own, for: own) }
  }

  /// Whether a deployment's affinity selects pods of others too.
  private static func selectsOthers(_ deployment: Deployment, _ snapshot: ClusterSnapshot) -> Bool {
    let own = PodIdentity(
      namespace: deployment.metadata.fullName.namespace, labels: deployment.spec.template.labels)
    let terms =
      deployment.spec.template.spec.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []
    return snapshot.deployments.contains { other in
      let identity = PodIdentity(namespace: other.metadata.fullName.namespace, labels: other.spec.template.labels)
      return other != deployment && terms.allSatisfy { $0.selects(identity, for: own) }
    }
  }

  private static func staying(_ snapshot: ClusterSnapshot) -> [SchedulerModel.PlacedPod] {
    snapshot.pods.compactMap { pod in
      guard let node = snapshot.nodes.first(where: { $0.metadata.name == pod.spec.nodeName }) else { return nil }
      let identity = PodIdentity(namespace: pod.metadata.fullName.namespace, labels: pod.metadata.labels ?? [:])
      return SchedulerModel.PlacedPod(
        identity: identity, spec: pod.spec, node: node, isTerminating: pod.metadata.deletionTimestamp != nil)
    }
  }

  private static func pods(_ assignment: Assignment, _ snapshot: ClusterSnapshot) -> [SchedulerModel.PlacedPod] {
    zip(assignment.placed, snapshot.deployments).flatMap { placed, deployment in
      placed.flatMap { place in
        let pod = SchedulerModel.PlacedPod(
          identity: PodIdentity(
            namespace: deployment.metadata.fullName.namespace,
            // The ReplicaSet of the Deployment gives its pods a hash that no others have.
            labels: deployment.spec.template.labels.merging(["pod-template-hash": deployment.metadata.name]) { own, _ in
              own
            }
          ),
          spec: deployment.spec.template.spec,
          node: snapshot.nodes[place.node]
        )
        return Array(repeating: pod, count: place.replicas)
      }
    }
  }

  /// A placement that keeps to the limits of the nodes where it can, so that not all are refused for simple reasons.
  private static func placement(of problem: Problem, _ generator: inout SeededGenerator) -> Assignment {
    let keepsLimits = generator.below(8) > 0
    return Assignment(
      placed: problem.workloads.map { workload in
        let limits = problem.limitRows[workload.limitRow]
        var counts = Array(repeating: 0, count: problem.nodes.count)
        for _ in 0..<workload.replicas {
          let open = problem.nodes.indices.filter { !keepsLimits || counts[$0] < Int(limits[$0]) }
          counts[open.isEmpty ? generator.below(counts.count) : open[generator.below(open.count)]] += 1
        }
        return counts.indices.filter { counts[$0] > 0 }.map { Problem.Placed(node: $0, replicas: counts[$0]) }
      }
    )
  }

  private static let host = "kubernetes.io/hostname"
  private static let zone = "topology.kubernetes.io/zone"

  private static func cluster(_ generator: inout SeededGenerator) -> String {
    func chance(_ percent: Int) -> Bool { generator.below(100) < percent }
    func one<T>(_ values: [T]) -> T { values[generator.below(values.count)] }
    let apps = ["u", "v", "w"]
    func key() -> String { one([host, zone, zone, "disk"]) }
    func selector() -> String {
      one(["{matchLabels: {app: \(one(apps))}}", "{matchLabels: {tier: \(one(["x", "y"]))}}", "{}"])
    }
    func term() -> String {
      let namespaces = one([
        "", "", ", namespaces: [other]", ", namespaceSelector: {}", ", matchLabelKeys: [tier]",
        ", matchLabelKeys: [pod-template-hash]", ", mismatchLabelKeys: [pod-template-hash], namespaces: [shop, other]",
        ", namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: other}}",
      ])
      return "{topologyKey: \(key()), labelSelector: \(selector())\(namespaces)}"
    }
    func podSpec(affinityChance: Int) -> String {
      var parts: [String] = []
      var affinity: [String] = []
      if chance(30) { affinity.append("podAntiAffinity: {\(required): [\(term())]}") }
      if chance(affinityChance) {
        affinity.append("podAffinity: {\(required): [\(chance(30) ? "\(term()), \(term())" : term())]}")
      }
      if chance(20) {
        affinity.append(
          "nodeAffinity: {\(required): {nodeSelectorTerms: [{matchExpressions: [{key: disk, operator: "
            + "\(one(["Exists", "DoesNotExist"]))}]}]}}"
        )
      }
      if !affinity.isEmpty { parts.append("affinity: {\(affinity.joined(separator: ", "))}") }
      if chance(20) { parts.append("tolerations: [{operator: Exists}]") }
      if chance(35) {
        let constraints = (0..<(chance(50) ? 2 : 1)).map { _ in
          "{maxSkew: \(one([1, 2])), topologyKey: \(key()), whenUnsatisfiable: DoNotSchedule, labelSelector: "
            + "\(selector())\(one(["", "", ", minDomains: 3", ", nodeAffinityPolicy: Ignore", ", nodeTaintsPolicy: Honor", ", matchLabelKeys: [pod-template-hash]"]))}"
        }
        parts.append("topologySpreadConstraints: [\(constraints.joined(separator: ", "))]")
      }
      if chance(15) {
        parts.append("initContainers: [{restartPolicy: Always, ports: [{hostPort: \(one([80, 81]))}]}]")
      }
      return parts.joined(separator: ", ")
    }
    var manifests = ""
    for name in ["a", "b", "c", "d", "e"].prefix(3 + generator.below(3)) {
      manifests += node(
        name,
        zone: one(["east", "west", "north", nil]),
        labels: chance(40) ? "disk: \(one(["ssd", "hdd"]))" : "",
        spec: chance(15) ? "{taints: [{key: t, effect: NoSchedule}]}" : "{}",
        cpu: one(["2", "4"]),
        isReady: !chance(15)
      )
    }
    for name in apps.prefix(1 + generator.below(3)) {
      manifests += workload(
        name,
        namespace: one(["shop", "shop", "other"]),
        replicas: 1 + generator.below(3),
        labels: chance(50) ? "tier: \(one(["x", "y"]))" : "",
        spec: podSpec(affinityChance: 25)
      )
    }
    for p in 0..<generator.below(4) {
      manifests += pod(
        "fixed-\(p)",
        on: one(["a", "b", "c"]),
        labels: "app: \(one(apps)), tier: \(one(["x", "y"]))\(chance(30) ? ", pod-template-hash: old" : "")",
        spec: podSpec(affinityChance: 0),
        metadata: chance(25) ? "deletionTimestamp: '2026-01-01T00:00:00Z'" : ""
      )
    }
    return manifests
  }

  private static let required = "requiredDuringSchedulingIgnoredDuringExecution"
}
