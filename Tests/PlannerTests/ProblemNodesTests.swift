import Foundation
import Kubernetes
import Model
import Placement
import Testing
import Traffic

@testable import Planner

@Suite("Nodes that are not ready, and clusters in which nothing is planned")
struct ProblemNodesTests {
  private static let spread =
    "topologySpreadConstraints: [{maxSkew: 1, topologyKey: topology.kubernetes.io/zone, "
    + "whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: w}}}]"

  @Test("count as zones to spread over, so that four replicas in two zones of three are refused")
  func skew() throws {
    func cluster(_ replicas: Int) throws -> ClusterProblem {
      ClusterProblem(
        try snapshot(
          node("a", zone: "a"), node("b", zone: "b"), node("c", zone: "c", isReady: false),
          workload("w", replicas: replicas, spec: Self.spread)))
    }
    #expect(
      try cluster(4).conflicts() == [
        "shop/w has 4 replicas to spread over 3 × topology.kubernetes.io/zone with a skew of at most 1: the emptiest has "
          + "room for 0, so that 2 can be placed"
      ])
    let two = try cluster(2)
    #expect(two.conflicts() == [])
    func violations(_ nodes: Int...) -> [Violation] {
      two.problem.violations(Assignment(placed: [nodes.map { Problem.Placed(node: $0, replicas: 1) }]))
    }
    #expect(violations(0, 1) == [])
    #expect(!violations(0, 2).isEmpty)
    var scheduler = DefaultScheduler(try PlanInput(two, TrafficGraph()))
    #expect(scheduler.feasibleNodes(for: 0) == [0, 1])
    scheduler.bind(0, to: 0)
    #expect(scheduler.feasibleNodes(for: 0) == [1])
  }

  @Test("are no part of what is used in the mean")
  func utilization() throws {
    let problem = ClusterProblem(
      try snapshot(node("a"), node("b", isReady: false), workload("w", requests: "cpu: 1"))
    ).problem
    let figures = problem.evaluate(Assignment(placed: [[Problem.Placed(node: 0, replicas: 1)]]))
    #expect(figures.meanUtilization == 0.25)
    #expect(figures.peakUtilization == 0.25)
  }

  @Test("are named where nothing else is there")
  func allUnready() throws {
    let cluster = ClusterProblem(try snapshot(node("a", isReady: false), workload("w")))
    #expect(
      cluster.conflicts() == [
        "shop/w needs nodes that are ready and whose taints it tolerates: no node matches (that are ready: 0 of 1; whose taints it tolerates: 0 of 1)"
      ])
  }

  @Test("has workloads that are all left where they are, and says why")
  func onlySystem() throws {
    let cluster = ClusterProblem(
      try snapshot(
        node("a"), workload("coredns", namespace: "kube-system"), workload("metrics", namespace: "kube-system"),
        workload("proxy", kind: "DaemonSet", namespace: "kube-system")))
    let error = try #require(throws: PlanningError.self) { try PlanInput(cluster, TrafficGraph()) }
    #expect(
      error.message == "there is no workload to place: kube-system/coredns, kube-system/metrics (in the namespace "
        + "kube-system, which is not planned); kube-system/proxy (a DaemonSet)")
    let empty = try #require(throws: PlanningError.self) {
      try PlanInput(ClusterProblem(try snapshot(node("a"))), TrafficGraph())
    }
    #expect(
      empty.message.contains("'kubectl get nodes,pods,deploy,sts,ds,rs,jobs,svc,ns,pv,pvc,sc,csinodes -A -o json'"))
  }

  @Test("may have devices behind a resource that no node has: that is not supported, and said")
  func devices() throws {
    let cluster = ClusterProblem(try snapshot(node("a"), workload("w", requests: "cpu: 1, x/gpu: 1")))
    #expect(
      cluster.warnings == [
        "shop/w: spec.template.spec: no node has x/gpu; that a DeviceClass stands for it (dynamic resource allocation) "
          + "is not supported"
      ])
  }

  @Test(
    "know a workload's newest revision by its ReplicaSet, its StatefulSet's status, or its newest pod",
    arguments: [
      (
        workload("w", kind: "Deployment")
          + ["1", "2"].map {
            workload("w-\($0)", kind: "ReplicaSet", replicas: 0).replacing(
              "name: w-\($0),",
              with: "name: w-\($0), labels: {pod-template-hash: h\($0)}, annotations: "
                + "{deployment.kubernetes.io/revision: '\($0)'}, ownerReferences: [{kind: Deployment, name: w, "
                + "controller: true}],")
          }.joined(), "pod-template-hash", "h2"
      ),
      (
        workload("w", kind: "StatefulSet").replacing(
          "spec:\n  replicas", with: "status: {updateRevision: r7}\nspec:\n  replicas"),
        "controller-revision-hash", "r7"
      ),
      (
        ["1", "3", "2"].map {
          pod(
            "w-h\($0)", on: "a", owner: "ReplicaSet/w-h\($0)", labels: "pod-template-hash: h\($0)",
            metadata: "creationTimestamp: '2026-01-0\($0)T00:00:00Z'")
        }.joined(), "pod-template-hash", "h3"
      ),
      (workload("w"), "pod-template-hash", "shop/w"),
    ]
  )
  func revision(manifests: String, label: String, value: String) throws {
    var builder = ProblemBuilder(try snapshot(node("a"), manifests), .init())
    _ = builder.build()
    #expect(builder.identities.first?.labels[label] == value)
  }

  @Test("that have one name are found as the first of them")
  func sameName() throws {
    var input = try PlanInput(ClusterProblem(try snapshot(node("a"), node("b"), workload("web"))), TrafficGraph())
    input.problem.nodes[1].name = "a"
    #expect(input.problem.nodesByName == ["a": 0])
    var graph = TrafficGraph()
    let ends = ["web", "db"].map { graph.index(of: TrafficEndpoint(namespace: nil, name: $0)) }
    graph.add(source: ends[0], destination: ends[1], bytesPerSecond: 1, requestsPerSecond: nil)
    let map = try EndpointMap(Data("db: {node: a}".utf8), file: "map.yaml")
    let resolver = try EndpointResolver(
      workloads: [.init(name: .init(namespace: "shop", name: "web"), replicas: 1)], nodes: ["a"], map: map)
    ResolvedTraffic(graph, resolver) { _ in "web" }.apply(to: &input.problem)
    #expect(input.problem.edges.count == 1)
  }
}
