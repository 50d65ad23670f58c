import Formats
import Kubernetes
import Model
import Placement
import Testing

@testable import Planner

@Suite("The problem of a cluster")
struct ProblemTests {
  private static let cart = WorkloadName(namespace: "shop", name: "cart")

  private static func cartPod(_ number: Int, on node: String?, requests: String = "cpu: 0.1", metadata: String = "")
    -> String
  {
    pod(
      "cart-6c5b-\(number)",
      on: node,
      owner: "ReplicaSet/cart-6c5b",
      labels: "app: cart, pod-template-hash: 6c5b",
      requests: requests,
      metadata: metadata
    )
  }

  @Test("has nodes with their zones, resources, workloads with requests, and the current placement")
  func basics() throws {
    let cluster = ClusterProblem(
      try snapshot(
        node("a", zone: "east"), node("b", zone: "west"), node("c"),
        node("d", labels: "failure-domain.beta.kubernetes.io/zone: west"),
        workload("cart", replicas: 3, requests: "cpu: 0.1, memory: 1Gi"),
        Self.cartPod(1, on: "b"), Self.cartPod(2, on: "b"), Self.cartPod(3, on: nil),
        pod("lonely", on: "a", requests: "cpu: 1500m, memory: 2Gi, x/gpu: 1")
      )
    )
    let problem = cluster.problem
    #expect(problem.resources == ["cpu", "memory", "pods"])
    #expect(problem.nodes.map(\.name) == ["a", "b", "c", "d"])
    #expect(problem.nodes.map(\.zone) == [0, 1, 2, 1])
    #expect(problem.zones == ["east", "west", ""])
    #expect(problem.workloads == [.init(name: "shop/cart", replicas: 3)])
    #expect(problem.requests == [100, 1 << 30, 1])
    #expect(problem.allocatable == Array(repeatElement([4000, 8 << 30, 110], count: 4).joined()))
    #expect(problem.reserved == [1500, 2 << 30, 1] + Array(repeating: 0, count: 9))
    #expect(problem.current == [[.init(node: 1, replicas: 2)]])
    #expect(cluster.index == [Self.cart: 0])
    #expect(cluster.workloads == [WorkloadReference(kind: "Deployment", name: Self.cart)])
    #expect(cluster.podLabels == [["app": "cart"]])
    #expect(cluster.unplanned == [WorkloadName(namespace: "shop", name: "lonely"): "a bare pod"])
    #expect(cluster.warnings == [])
  }

  @Test("plans what stands for itself, outside of excluded namespaces, unless it is pinned")
  func plannedWorkloads() throws {
    let input = try snapshot(
      node("a"),
      workload("d"), workload("s", kind: "StatefulSet", replicas: 2), workload("r", kind: "ReplicaSet"),
      workload("j", kind: "Job").replacing("apps/v1", with: "batch/v1").replacing(
        "replicas: 1", with: "parallelism: 4"),
      workload("none", replicas: 0), workload("fixed"), workload("dns", namespace: "kube-system"),
      workload("mesh", namespace: "istio-system"), workload("agent", kind: "DaemonSet"),
      workload("d-77", kind: "ReplicaSet").replacing(
        "name: d-77,", with: "name: d-77, ownerReferences: [{kind: Deployment, name: d, controller: true}],"),
      "---\nkind: CronJob\napiVersion: batch/v1\nmetadata: {name: nightly}\n"
    )
    let cluster = ClusterProblem(
      input,
      options: .init(
        excludedNamespaces: ["kube-system", "istio-system"],
        pinned: [WorkloadName(namespace: "shop", name: "fixed")]
      )
    )
    #expect(
      cluster.workloads.map(\.description) == [
        "Deployment shop/d", "StatefulSet shop/s", "ReplicaSet shop/r", "Job shop/j",
      ]
    )
    #expect(cluster.problem.workloads.map(\.replicas) == [1, 2, 1, 4])
    #expect(
      Dictionary(uniqueKeysWithValues: cluster.unplanned.map { ("\($0)", $1) }) == [
        "shop/none": "without replicas", "shop/fixed": "pinned", "shop/agent": "a DaemonSet",
        "kube-system/dns": "in the namespace kube-system, which is not planned",
        "istio-system/mesh": "in the namespace istio-system, which is not planned",
      ]
    )
    #expect(cluster.warnings == ["1 × CronJob left out: only the Jobs that they have started are planned"])
    #expect(cluster.problem.current.allSatisfy { $0 == nil })
  }

  @Test("reserves what pods use that stay")
  func reservations() throws {
    let cluster = ClusterProblem(
      try snapshot(
        node("a"), node("b"), workload("cart"), workload("fixed"), workload("dns", namespace: "kube-system"),
        pod("p1", on: "a", owner: "Deployment/fixed", requests: "cpu: 1"),
        pod("p2", namespace: "kube-system", on: "a", owner: "ReplicaSet/dns", requests: "cpu: 20m"),
        pod("p3", on: "b", owner: "DaemonSet/agent", requests: "cpu: 3m"),
        pod("p4", on: "b", owner: "Rollout/odd", requests: "cpu: 400m"),
        pod("p5", on: "b", requests: "cpu: 0.05"),
        pod("p6", on: "b", requests: "cpu: 2", phase: "Succeeded"),
        pod("p7", on: "b", requests: "cpu: 2", phase: "Failed"),
        pod("p8", on: nil, requests: "cpu: 2", phase: "Pending"),
        pod("p9", on: "gone", requests: "cpu: 2"),
        Self.cartPod(1, on: "b", requests: "cpu: 0.5")
      ),
      options: .init(pinned: [WorkloadName(namespace: "shop", name: "fixed")])
    )
    #expect(cluster.problem.resources == ["cpu", "pods"])
    #expect(cluster.problem.reserved == [1020, 2, 453, 3])
    #expect(
      cluster.warnings == [
        "Rollout shop/odd: of a kind that is not planned; its pods stay where they are",
        "node gone: not in the input, but pods run there; they are left out",
        "not scheduled yet and not planned, left out: shop/p8",
      ]
    )
  }

  @Test("reserves for DaemonSets without pods on each node that they match")
  func daemonSets() throws {
    let input = [
      node("a"), node("b", spec: "{unschedulable: true}"), node("c", spec: "{taints: [{key: x, effect: NoSchedule}]}"),
      workload("cart"), workload("agent", kind: "DaemonSet", requests: "cpu: 7m"),
    ].joined()
    #expect(ClusterProblem(try snapshot(input)).problem.reserved == [7, 1, 7, 1, 0, 0])
    let running = pod("agent-1", on: "a", owner: "DaemonSet/agent", requests: "cpu: 9m")
    #expect(ClusterProblem(try snapshot(input, running)).problem.reserved == [9, 1, 7, 1, 0, 0])
    // A pod that waits for its node has its place there once, and is not called left out.
    let waiting = pod(
      "agent-2", owner: "DaemonSet/agent", requests: "cpu: 8m",
      spec: "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: "
        + "[{matchFields: [{key: metadata.name, operator: In, values: [b]}]}]}}}", phase: "Pending")
    let cluster = ClusterProblem(try snapshot(input, waiting, running))
    #expect(cluster.problem.reserved == [9, 1, 8, 1, 0, 0])
    #expect(cluster.warnings == [])
    let alone = [node("a"), node("b"), workload("cart"), waiting].joined()
    #expect(ClusterProblem(try snapshot(alone)).problem.reserved == [0, 0, 8, 1])
  }

  @Test("lets nodes that are not ready take nothing, and says so")
  func notReady() throws {
    let cluster = ClusterProblem(
      try snapshot(
        node("a").replacing("status: {", with: "status: {conditions: [{type: Ready, status: Unknown}], "),
        node("b").replacing("status: {", with: "status: {conditions: [{type: Ready, status: 'True'}], "),
        workload("cart", replicas: 2), Self.cartPod(1, on: "a"), Self.cartPod(2, on: "b"),
        pod("lonely", on: "a")
      )
    )
    #expect(cluster.problem.nodes.map(\.name) == ["a", "b"])
    #expect(cluster.problem.limitRows == [[0, .max]])
    #expect(cluster.problem.allocatable == [0, 0, 4000, 110])
    #expect(cluster.problem.current == [[.init(node: 1, replicas: 1)]])
    #expect(cluster.problem.reserved == [0, 0, 0, 0])
    #expect(cluster.warnings == ["a: not ready: the node takes no replicas"])
  }

  @Test("counts a resource that no node has, so that there is no room")
  func missingResource() throws {
    let cluster = ClusterProblem(try snapshot(node("a"), workload("cart", requests: "cpu: 1, x/gpu: 1, x/none: 0")))
    #expect(cluster.problem.resources == ["cpu", "x/gpu", "pods"])
    #expect(cluster.problem.allocatable == [4000, 0, 110])
    #expect(cluster.conflicts() == ["shop/cart needs 1 x/gpu: 1 node matches, none has x/gpu"])
  }

  @Test("assumes room for 110 pods where a node does not say")
  func missingPods() throws {
    let cluster = ClusterProblem(
      try snapshot("{kind: Node, metadata: {name: a}, status: {capacity: {cpu: 2}}}\n---\n", workload("cart"))
    )
    #expect(cluster.problem.allocatable == [2000, 110])
    #expect(cluster.warnings == ["a: status.allocatable.pods is missing; 110, the kubelet's default, is assumed"])
  }

  @Test("plans with what pods request where it is more than their template")
  func injectedSidecars() throws {
    let cluster = ClusterProblem(
      try snapshot(
        node("a"), workload("cart", requests: "cpu: 0.1, memory: 1Gi"),
        Self.cartPod(1, on: "a", requests: "cpu: 0.3, memory: 1Gi"),
        Self.cartPod(2, on: "a", requests: "cpu: 0.1, memory: 1.5Gi")
      )
    )
    #expect(cluster.problem.requests == [300, 3 << 29, 1])
    #expect(
      cluster.warnings == [
        "shop/cart: its pods request more than spec.template.spec: cpu 300m instead of 100m, memory 1536Mi instead of "
          + "1Gi; planned with the more"
      ]
    )
  }

  @Test("plans workloads that are known by their pods alone")
  func podsAlone() throws {
    let cluster = ClusterProblem(
      try snapshot(
        node("a"), node("b"),
        Self.cartPod(1, on: "b"), Self.cartPod(2, on: "a"), Self.cartPod(3, on: nil),
        Self.cartPod(4, on: "a", metadata: "deletionTimestamp: '2026-01-01T00:00:00Z'"),
        pod("dns-1", namespace: "kube-system", on: "a", owner: "ReplicaSet/dns-1", labels: "pod-template-hash: '1'")
      )
    )
    #expect(cluster.problem.workloads == [.init(name: "shop/cart", replicas: 3)])
    #expect(cluster.problem.current == [[.init(node: 0, replicas: 1), .init(node: 1, replicas: 1)]])
    #expect(cluster.podLabels == [["app": "cart"]])
    #expect(cluster.unplanned["kube-system/dns"] == "in the namespace kube-system, which is not planned")
    #expect(cluster.problem.reserved == [600, 2, 0, 0])
    #expect(
      cluster.warnings == [
        "being deleted; until they are gone they take their room, and keep others away: shop/cart-6c5b-4",
        "Deployment shop/cart: not in the input; planned as its pods are",
      ])
  }

  @Test("has pods that are being deleted no more in its current placement, but in what is taken")
  func terminating() throws {
    let cluster = ClusterProblem(
      try snapshot(
        node("a"), workload("cart"), Self.cartPod(1, on: "a", metadata: "deletionTimestamp: '2026-01-01T00:00:00Z'"))
    )
    #expect(cluster.problem.current == [nil])
    #expect(cluster.problem.reserved == [100, 1])
  }

  @Test("reserves what a resize in place has left a pod with")
  func resized() throws {
    let pods =
      pod("lonely", on: "a", requests: "cpu: 1").replacing(
        "status: {", with: "status: {containerStatuses: [{name: main, resources: {requests: {cpu: 1500m}}}], ")
      + pod("hopeful", on: "a", requests: "cpu: 64").replacing(
        "status: {",
        with: "status: {containerStatuses: [{name: main, allocatedResources: {cpu: 200m}}], "
          + "conditions: [{type: PodResizePending, status: 'True', reason: Infeasible}], ")
    let cluster = ClusterProblem(try snapshot(node("a"), workload("cart"), pods))
    #expect(cluster.problem.reserved == [1700, 2])
  }

  @Test("prefers a Deployment, then a StatefulSet, where two kinds share a name")
  func sameName() throws {
    let cluster = ClusterProblem(
      try snapshot(
        node("a"), workload("cart", kind: "ReplicaSet"), workload("cart", kind: "StatefulSet"), workload("cart"),
        workload("db", kind: "ReplicaSet"), workload("db", kind: "StatefulSet")
      )
    )
    #expect(
      cluster.problem.workloads.map(\.name) == [
        "shop/cart", "shop/cart (StatefulSet)", "shop/db", "shop/cart (ReplicaSet)", "shop/db (ReplicaSet)",
      ]
    )
    #expect(cluster.index["shop/cart"] == 0)
    #expect(cluster.index["shop/db"] == 2)
    #expect(
      cluster.warnings == [
        "shop/cart: is both a Deployment and a StatefulSet; traffic counts for the Deployment",
        "shop/cart: is both a Deployment and a ReplicaSet; traffic counts for the Deployment",
        "shop/db: is both a StatefulSet and a ReplicaSet; traffic counts for the StatefulSet",
      ]
    )
  }

  @Test("ties Services to the workloads that they select")
  func services() throws {
    func service(_ name: String, _ selector: String) -> String {
      "---\nkind: Service\nmetadata: {name: \(name), namespace: shop}\nspec: {selector: \(selector)}\n"
    }
    let cluster = ClusterProblem(
      try snapshot(
        node("a"), workload("cart"), workload("cart-v2", labels: "x: y").replacing("app: cart-v2", with: "app: cart"),
        workload("cart", namespace: "other"), service("cart", "{app: cart}"), service("v2", "{app: cart, x: y}"),
        service("nothing", "{app: none}"), service("external", "null")
      )
    )
    let services = Dictionary(uniqueKeysWithValues: cluster.services.map { ("\($0.name)", $0.workloads) })
    #expect(services == ["shop/cart": [0, 1], "shop/v2": [1], "shop/nothing": [], "shop/external": []])
    #expect(cluster.unplanned["shop/nothing"] == "a Service that selects no planned workload")
  }

  @Test("says which objects came again")
  func repeated() throws {
    let cluster = ClusterProblem(try snapshot(node("a"), workload("cart"), workload("cart", replicas: 5)))
    #expect(cluster.problem.workloads.map(\.replicas) == [5])
    #expect(cluster.warnings == ["1 × Deployment came more than once in the input; the last one counts"])
  }
}

extension [WorkloadName: Int] {
  fileprivate subscript(_ name: String) -> Int? { WorkloadName(name).flatMap { self[$0] } }
}

extension [WorkloadName: String] {
  fileprivate subscript(_ name: String) -> String? { WorkloadName(name).flatMap { self[$0] } }
}
