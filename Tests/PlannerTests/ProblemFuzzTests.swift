import Foundation
import Kubernetes
import Model
import Placement
import Testing

@testable import Planner

/// Swaps values in manifests for extreme ones, and puts parts of them together anew: whatever comes out, there is a
/// problem that holds together.
@Suite("Manifests with odd values")
struct ProblemFuzzTests {
  static let runs = (ProcessInfo.processInfo.environment["TONARI_FUZZ_RUNS"].flatMap { Int($0) } ?? 10_000) / 10

  @Test("make a problem without overflow, with indices in range, and words for why it cannot be solved")
  func problems() throws {
    var made = 0
    for run in 0..<Self.runs {
      var generator = SeededGenerator(seed: UInt64(run))
      var snapshot = ClusterSnapshot()
      for part in Self.parts where Int.random(in: 0..<4, using: &generator) > 0 {
        // Parts that a mutation made unreadable are left out.
        try? snapshot.read(Array(Self.mutate(part, &generator).utf8), source: "fuzz")
      }
      let cluster = ClusterProblem(snapshot)
      let problem = cluster.problem
      made += problem.workloads.isEmpty || problem.nodes.isEmpty ? 0 : 1
      #expect(problem.requests.count == problem.workloads.count * problem.resources.count)
      #expect(problem.requests.allSatisfy { $0 >= 0 } && problem.reserved.allSatisfy { $0 >= 0 })
      for workload in problem.workloads {
        #expect(problem.limitRows[workload.limitRow].count == problem.nodes.count)
        #expect(workload.replicas > 0)
      }
      for rule in problem.rules { #expect(Self.isInRange(rule, problem), "run \(run): \(rule)") }
      let current = Assignment(placed: problem.current.map { $0 ?? [] })
      let figures = problem.evaluate(current)
      #expect(figures.peakUtilization >= 0)
      for conflict in cluster.conflicts() { #expect(!conflict.isEmpty) }
    }
    #expect(made > Self.runs / 4)
  }

  private static func isInRange(_ rule: Problem.Rule, _ problem: Problem) -> Bool {
    let w = problem.workloads.indices
    let p = problem.partitions.indices
    return switch rule {
    case .atMost(let workload, let partition, let count): w ~= workload && p ~= partition && count > 0
    case .apart(let workload, let other, let partition):
      w ~= workload && w ~= other && workload != other && p ~= partition
    case .together(let workload, let others, let staying, let partition, let present, _):
      w ~= workload && (others + staying).allSatisfy(w.contains) && p ~= partition
        && present.count == problem.partitions[partition].count
    case .spread(let workload, let members, let partition, let maxSkew, _, let base, let eligible):
      w ~= workload && members.allSatisfy(w.contains) && p ~= partition && maxSkew > 0
        && base.count == problem.partitions[partition].count && eligible.count == base.count
    }
  }

  private static func affinity(_ kind: String, _ key: String, _ app: String) -> String {
    "affinity: {\(kind): {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: \(key), labelSelector: {matchLabels: {app: \(app)}}}]}}"
  }

  private static let parts: [String] = [
    node("a", zone: "east", labels: "disk: ssd"), node("b", zone: "west"),
    node("c", spec: "{unschedulable: true}"), node("d", spec: "{taints: [{key: x, effect: NoSchedule}]}"),
    workload("u", replicas: 3, spec: affinity("podAntiAffinity", "kubernetes.io/hostname", "u")),
    workload("v", replicas: 2, spec: affinity("podAffinity", "topology.kubernetes.io/zone", "u")),
    workload("w", replicas: 2, spec: affinity("podAffinity", "topology.kubernetes.io/zone", "w")),
    workload("x", kind: "StatefulSet", replicas: 2, spec: "volumes: [{persistentVolumeClaim: {claimName: c}}]")
      .replacing("  template:", with: "  volumeClaimTemplates: [{metadata: {name: data}}]\n  template:"),
    workload(
      "y", replicas: 4,
      spec: "topologySpreadConstraints: [{maxSkew: 1, minDomains: 2, topologyKey: topology.kubernetes.io/zone, "
        + "whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: y}}}], nodeSelector: {disk: ssd}"
    ),
    workload("z", spec: "hostNetwork: true, initContainers: [{restartPolicy: Always, ports: [{hostPort: 80}]}]"),
    workload("agent", kind: "DaemonSet"),
    pod("u-1", on: "a", owner: "ReplicaSet/u-1", labels: "pod-template-hash: '1', app: u"),
    pod("u-2", on: "b", owner: "ReplicaSet/u-2", labels: "pod-template-hash: '2', app: u"),
    pod("q-2", on: "b", owner: "StatefulSet/q", spec: "volumes: [{persistentVolumeClaim: {claimName: c}}]"),
    pod("bare", on: "b", labels: "app: u", spec: affinity("podAntiAffinity", "topology.kubernetes.io/zone", "v")),
    "---\nkind: PersistentVolumeClaim\nmetadata: {name: data-x-0, namespace: shop}\nspec: {volumeName: pv}\n",
    "---\nkind: PersistentVolumeClaim\nmetadata: {name: c, namespace: shop}\nspec: {volumeName: pv}\n",
    """
    ---
    kind: PersistentVolume
    metadata: {name: pv}
    spec: {nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [{key: disk, operator: In, values: [ssd]}]}]}}}

    """,
  ]

  /// Values that swap places with each other, and extreme ones.
  private static let values = [
    ["500m", "8Gi", "0", "-1", "12E", "1n", "9223372036854775807", "1e99"], ["cpu", "memory", "x/gpu", "pods"],
    ["replicas: 1", "replicas: 2", "replicas: 0", "replicas: -3", "replicas: 2147483647", "replicas: null"],
    ["kubernetes.io/hostname", "topology.kubernetes.io/zone", "rack"], ["app: u", "app: v", "app: w", "app: y"],
    ["maxSkew: 1", "maxSkew: 0", "maxSkew: -2147483648", "maxSkew: 2147483647"],
    ["minDomains: 2", "minDomains: 2147483647", "minDomains: -1"], ["nodeName: a", "nodeName: b", "nodeName: gone"],
    ["kind: Deployment", "kind: StatefulSet", "kind: ReplicaSet", "kind: DaemonSet"], ["ssd", "hdd"],
    ["hostPort: 80", "hostPort: -80", "hostPort: 2147483647"], ["podAffinity", "podAntiAffinity"],
    ["namespace: shop", "namespace: kube-system", "namespace: ''"],
  ]

  private static func mutate(_ part: String, _ generator: inout SeededGenerator) -> String {
    var text = part
    for _ in 0..<Int.random(in: 0...3, using: &generator) {
      let group = values[Int.random(in: 0..<values.count, using: &generator)]
      let old = group[Int.random(in: 0..<group.count, using: &generator)]
      let new = group[Int.random(in: 0..<group.count, using: &generator)]
      text = text.replacing(old, with: new)
    }
    return text
  }
}
