import Formats
import Kubernetes
import Model
import Placement
import Testing

@testable import Planner

@Suite("Why there can be no placement")
struct ProblemConflictsTests {
  struct Case: CustomTestStringConvertible {
    var testDescription: String
    var manifests: String
    var conflicts: [String]
  }

  @Test("is said in words", arguments: cases)
  func conflicts(_ c: Case) throws {
    #expect(ClusterProblem(try snapshot(c.manifests)).conflicts() == c.conflicts)
  }

  private static let disks =
    node("a", zone: "east", labels: "disk: ssd") + node("b", zone: "west", labels: "disk: ssd")
    + node("c", zone: "west", labels: "disk: ssd") + node("d", zone: "west", cpu: "64", memory: "64Gi")
    + pod("x", on: "a", requests: "cpu: 1900m") + pod("y", on: "b", requests: "cpu: 3")
    + pod("z", on: "c", requests: "cpu: 3")

  private static func waiting(_ name: String, for other: String) -> String {
    workload(
      name,
      spec: "affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: "
        + "topology.kubernetes.io/zone, labelSelector: {matchLabels: {app: \(other)}}}]}}")
  }

  static let cases: [Case] = [
    Case(testDescription: "nothing, where all fits", manifests: node("a") + workload("w", replicas: 8), conflicts: []),
    Case(testDescription: "no node", manifests: workload("w"), conflicts: ["no node takes replicas"]),
    Case(testDescription: "nothing without workloads", manifests: node("a"), conflicts: []),
    Case(
      testDescription: "two workloads that wait for each other",
      manifests: node("a", zone: "east") + waiting("v", for: "w") + waiting("w", for: "v"),
      conflicts: [
        "shop/v must share a topology.kubernetes.io/zone with shop/w, whose affinity waits for shop/v: kube-scheduler "
          + "starts neither, as only a pod that its own affinity selects may be the first"
      ]
    ),
    Case(
      testDescription: "two that run already",
      manifests: node("a", zone: "east") + waiting("v", for: "w") + waiting("w", for: "v")
        + pod("w-1", on: "a", owner: "ReplicaSet/w-1", labels: "app: w, pod-template-hash: '1'"),
      conflicts: []
    ),
    Case(
      testDescription: "what runs on a cordoned node that is too full may stay",
      manifests: node("a", spec: "{unschedulable: true}", cpu: "1")
        + workload("w", replicas: 2, requests: "cpu: 1")
        + ["1", "2"].map { pod("w-\($0)", on: "a", owner: "ReplicaSet/w-1", labels: "app: w, pod-template-hash: '1'") }
        .joined(),
      conflicts: []
    ),
    Case(
      testDescription: "no node matches",
      manifests: node("a") + node("b") + workload("w", spec: "nodeSelector: {disk: ssd}"),
      conflicts: ["shop/w needs nodes labelled disk=ssd: no node matches"]
    ),
    Case(
      testDescription: "no node matches two demands together",
      manifests: node("a", labels: "disk: ssd", spec: "{taints: [{key: gpu, effect: NoSchedule}]}") + node("b")
        + workload("w", spec: "nodeSelector: {disk: ssd}"),
      conflicts: [
        "shop/w needs nodes labelled disk=ssd and whose taints it tolerates: no node matches "
          + "(labelled disk=ssd: 1 of 2; whose taints it tolerates: 1 of 2)"
      ]
    ),
    Case(
      testDescription: "the largest node that matches is too small",
      manifests: disks + workload("cartservice", requests: "cpu: 4", spec: "nodeSelector: {disk: ssd}"),
      conflicts: [
        "shop/cartservice needs 4 CPU on nodes labelled disk=ssd: 3 nodes match, the largest has 2.1 CPU left"
      ]
    ),
    Case(
      testDescription: "no node has both resources",
      manifests: node("a", cpu: "8", memory: "1Gi") + node("b", cpu: "1", memory: "8Gi")
        + workload("w", requests: "cpu: 2, memory: 2.5Gi"),
      conflicts: ["shop/w needs 2 CPU and 2.5 GiB: 2 nodes match, none has all of it left"]
    ),
    Case(
      testDescription: "room for some replicas only",
      manifests: node("a") + node("b") + workload("w", replicas: 5, requests: "cpu: 1500m, memory: 512Mi"),
      conflicts: ["shop/w needs room for 5 × 1.5 CPU and 512 MiB: 2 nodes match, with room for 4"]
    ),
    Case(
      testDescription: "more replicas than nodes under anti-affinity",
      manifests: node("a") + node("b")
        + workload(
          "w", replicas: 3,
          spec: "affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: "
            + "kubernetes.io/hostname, labelSelector: {matchLabels: {app: w}}}]}}"
        ),
      conflicts: ["shop/w has 3 replicas of which a node may hold one: 2 nodes match"]
    ),
    Case(
      testDescription: "more replicas than zones under anti-affinity",
      manifests: node("a", zone: "east") + node("b", zone: "west") + node("c", zone: "west")
        + workload(
          "w", replicas: 3,
          spec: "affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: "
            + "topology.kubernetes.io/zone, labelSelector: {matchLabels: {app: w}}}]}}"
        ),
      conflicts: [
        "shop/w has 3 replicas, at most 1 in each topology.kubernetes.io/zone: there is room for 2"
      ]
    ),
    Case(
      testDescription: "a spread over a zone that is full",
      manifests: node("a", zone: "east") + node("b", zone: "west") + pod("x", on: "b", requests: "cpu: 3")
        + workload(
          "w", replicas: 5, requests: "cpu: 1",
          spec: "topologySpreadConstraints: [{maxSkew: 1, topologyKey: topology.kubernetes.io/zone, "
            + "whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: w}}}]"
        ),
      conflicts: [
        "shop/w has 5 replicas to spread over 2 × topology.kubernetes.io/zone with a skew of at most 1: the emptiest "
          + "has room for 1, so that 3 can be placed"
      ]
    ),
    Case(
      testDescription: "a spread over more zones than there are",
      manifests: node("a", zone: "east") + node("b", zone: "west")
        + workload(
          "w", replicas: 3, requests: "cpu: 1",
          spec: "topologySpreadConstraints: [{maxSkew: 1, minDomains: 3, topologyKey: topology.kubernetes.io/zone, "
            + "whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: w}}}]"
        ),
      conflicts: [
        "shop/w has 3 replicas to spread over 2 × topology.kubernetes.io/zone (at least 3 are asked for) with a skew of "
          + "at most 1: the emptiest has room for 3, so that 2 can be placed"
      ]
    ),
    Case(
      testDescription: "workloads that must share few nodes",
      manifests: node("a", labels: "disk: ssd") + node("b", labels: "disk: ssd") + node("c", cpu: "64")
        + workload("u", replicas: 3, requests: "cpu: 1500m", spec: "nodeSelector: {disk: ssd}")
        + workload("v", replicas: 2, requests: "cpu: 2", spec: "nodeSelector: {disk: ssd}")
        + workload("w", replicas: 9, requests: "cpu: 2"),
      conflicts: ["shop/u, shop/v need together 8.5 CPU, and can run on a, b only: these have 8 CPU left"]
    ),
    Case(
      testDescription: "workloads that are too large for most nodes",
      manifests: node("a", cpu: "8") + node("b", cpu: "2") + node("c", cpu: "2") + workload("u", requests: "cpu: 5")
        + workload("v", requests: "cpu: 4"),
      conflicts: ["shop/u, shop/v need together 9 CPU, and can run on a only: it has 8 CPU left"]
    ),
    Case(
      testDescription: "the cluster as a whole",
      manifests: node("a") + node("b") + workload("u", replicas: 5, requests: "cpu: 1")
        + workload("v", replicas: 4, requests: "cpu: 1"),
      conflicts: ["the workloads need 9 CPU in all: 2 nodes have 8 CPU left"]
    ),
    Case(
      testDescription: "too many pods",
      manifests: node("a").replacing("pods: \"110\"", with: "pods: 2") + workload("u", replicas: 2, requests: "")
        + workload("v", requests: ""),
      conflicts: ["the workloads need 3 pods in all: 1 node has 2 pods left"]
    ),
    Case(
      testDescription: "each cause on its own",
      manifests: node("a") + workload("u", requests: "cpu: 5") + workload("v", requests: "memory: 9Gi"),
      conflicts: [
        "shop/u needs 5 CPU: 1 node matches, the largest has 4 CPU left",
        "shop/v needs 9 GiB: 1 node matches, the largest has 8 GiB left",
      ]
    ),
  ]

  @Test("names amounts so that they read well, and never too small or too large")
  func amounts() {
    let cases: [(Int64, String, String, String)] = [
      (4000, "cpu", "4 CPU", "4 CPU"), (250, "cpu", "0.25 CPU", "0.25 CPU"), (2137, "cpu", "2.137 CPU", "2.137 CPU"),
      (0, "cpu", "0 CPU", "0 CPU"), (5 << 29, "memory", "2.5 GiB", "2.5 GiB"),
      ((5 << 29) + 1, "memory", "2.501 GiB", "2.5 GiB"), (512 << 20, "memory", "512 MiB", "512 MiB"),
      (1000, "memory", "1000 B", "1000 B"), (1, "pods", "1 pod", "1 pod"), (3, "pods", "3 pods", "3 pods"),
      (3, "x/gpu", "3 x/gpu", "3 x/gpu"),
      (1 << 30, "ephemeral-storage", "1 GiB of ephemeral-storage", "1 GiB of ephemeral-storage"),
      (4 << 20, "hugepages-2Mi", "4 MiB of hugepages-2Mi", "4 MiB of hugepages-2Mi"),
      (.max, "memory", "8589934591 GiB", "8589934591 GiB"),
    ]
    for (amount, resource, up, down) in cases {
      #expect(ProblemAmount(amount, of: resource).description == up)
      #expect(ProblemAmount(amount, of: resource).text(roundedDown: true) == down)
    }
  }
}
