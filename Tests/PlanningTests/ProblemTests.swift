import Kubernetes
import Placement
import Testing
import Topology

@testable import Planning

@Suite("The problem of a cluster")
struct ProblemTests {
  @Test("has nodes with their zones, resources, workloads with requests, and the current placement")
  func basics() throws {
    let cluster = ClusterProblem(
      try snapshot(
        node("a", zone: "east"), node("b", zone: "west"), node("c"),
        workload("cart", replicas: 3, requests: "cpu: 0.1, memory: 1Gi"),
        pod(
          "cart-6c5b-1", on: "b", owner: "ReplicaSet/cart-6c5b", labels: "pod-template-hash: 6c5b", requests: "cpu: 0.1"
        ),
        pod(
          "cart-6c5b-2", on: "b", owner: "ReplicaSet/cart-6c5b", labels: "pod-template-hash: 6c5b", requests: "cpu: 0.1"
        ),
        pod("lonely", on: "a", requests: "cpu: 1500m, memory: 2Gi")
      )
    )
    let problem = cluster.problem
    #expect(problem.resources == ["cpu", "memory", "pods"])
    #expect(problem.nodes == [.init(name: "a", zone: 0), .init(name: "b", zone: 1), .init(name: "c", zone: 2)])
    #expect(problem.zones == ["east", "west", ""])
    #expect(problem.workloads == [.init(name: "shop/cart", replicas: 3)])
    #expect(problem.requests == [100, 1 << 30, 1])
    #expect(
      problem.allocatable == Array([[4000, 8 << 30, 110], [4000, 8 << 30, 110], [4000, 8 << 30, 110]].joined()))
    #expect(problem.reserved == [1500, 2 << 30, 1, 0, 0, 0, 0, 0, 0])
    #expect(problem.current == [[.init(node: 1, replicas: 2)]])
    #expect(cluster.index == [WorkloadName(namespace: "shop", name: "cart"): 0])
    #expect(cluster.workloads.map(\.kind) == ["Deployment"])
    #expect(cluster.unplanned == [WorkloadName(namespace: "shop", name: "lonely"): "a bare pod"])
    #expect(cluster.warnings == [])
  }
}
