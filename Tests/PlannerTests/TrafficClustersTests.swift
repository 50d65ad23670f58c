import Foundation
import Model
import Planner
import Testing
import Traffic

/// The traffic of Kiali's test graph of two clusters (`graph/api/testdata/test_mc_source_graph.expected`), as far as it
/// is between workloads: both clusters have workloads called bookinfo/reviews-v2.
@Suite("Traffic of several clusters")
struct TrafficClustersTests {
  static let names = ["details-v1", "productpage-v1", "reviews-v1", "reviews-v2"]

  static func graph(_ edges: [(String, String, Double)] = calls) -> TrafficGraph {
    var graph = TrafficGraph()
    func index(_ name: String) -> Int {
      let parts = name.split(separator: "/").map(String.init)
      return graph.index(of: TrafficEndpoint(cluster: parts[0], namespace: parts[1], name: parts[2]))
    }
    for (source, destination, rate) in edges {
      graph.add(
        source: index(source), destination: index(destination), bytesPerSecond: nil, requestsPerSecond: rate)
    }
    return graph
  }

  static let calls: [(String, String, Double)] = [
    ("kukulcan/istio-system/istio-ingressgateway", "kukulcan/bookinfo/productpage-v1", 100),
    ("kukulcan/bookinfo/productpage-v1", "kukulcan/bookinfo/details-v1", 100),
    ("kukulcan/bookinfo/productpage-v1", "kukulcan/bookinfo/reviews-v1", 100),
    ("kukulcan/bookinfo/productpage-v1", "kukulcan/bookinfo/reviews-v2", 100),
    ("kukulcan/bookinfo/productpage-v1", "tzotz/bookinfo/reviews-v2", 100),
    ("kukulcan/bookinfo/productpage-v1", "tzotz/bookinfo/reviews-v3", 100),
    ("kukulcan/bookinfo/reviews-v2", "tzotz/bookinfo/ratings-v1", 100),
    ("tzotz/bookinfo/kiali#4488-source-v1", "tzotz/bookinfo/kiali#4488-dest-v1", 100),
  ]

  static func resolver(_ names: [String] = names) throws -> EndpointResolver {
    try EndpointResolver(
      workloads: names.map { name in
        EndpointResolver.Workload(name: WorkloadName(namespace: "bookinfo", name: name), replicas: 1)
      },
      nodes: []
    )
  }

  private func resolve(
    _ graph: TrafficGraph, _ clusterNames: Set<String> = []
  ) throws -> (traffic: ResolvedTraffic, warnings: [String]) {
    try resolve(ObservedTraffic(graph), clusterNames)
  }

  private func resolve(
    _ traffic: ObservedTraffic, _ clusterNames: Set<String> = []
  ) throws -> (traffic: ResolvedTraffic, warnings: [String]) {
    let resolver = try Self.resolver()
    let (seen, warnings) = try traffic.seen(from: clusterNames, resolver)
    return (ResolvedTraffic(seen, resolver) { Self.names[$0] }, warnings)
  }

  @Test("counts within this cluster, by name or as the one whose workloads are known", arguments: [["kukulcan"], []])
  func here(_ names: Set<String>) throws {
    let (traffic, warnings) = try resolve(Self.graph(), names)
    #expect(traffic.edges.reduce(0) { $0 + $1.traffic } == 300)
    #expect(
      traffic.outside.filter { $0.reason == "in the cluster tzotz" }.map(\.name).sorted() == [
        "bookinfo/kiali#4488-dest-v1", "bookinfo/kiali#4488-source-v1", "bookinfo/ratings-v1", "bookinfo/reviews-v2",
        "bookinfo/reviews-v3",
      ])
    let remark = "the traffic is of the clusters kukulcan, tzotz, and this is kukulcan by its workloads"
    #expect(names.isEmpty ? warnings.first?.hasPrefix(remark) == true : warnings.isEmpty)
  }

  @Test("is that of the cluster that is named, even if another has its workloads")
  func named() throws {
    let (traffic, _) = try resolve(Self.graph(), ["tzotz"])
    #expect(traffic.edges.isEmpty)
    let (none, warnings) = try resolve(Self.graph(), ["nowhere"])
    #expect(none.edges.isEmpty)
    #expect(warnings == ["no end of the traffic is in nowhere, all are in kukulcan, tzotz"])
  }

  @Test("of one cluster alone, or without a name, is of this one, and one tool's name may be another's")
  func one() throws {
    let istio = ("kukulcan/bookinfo/productpage-v1", "kukulcan/bookinfo/details-v1", 1.0)
    #expect(try resolve(Self.graph([istio])).traffic.edges.count == 1)
    #expect(try resolve(Self.graph([istio])).warnings.isEmpty)
    let tracer = ("prod/bookinfo/productpage-v1", "prod/bookinfo/details-v1", 2.0)
    #expect(try resolve(Self.graph([istio, tracer]), ["kukulcan", "prod"]).traffic.edges.map(\.traffic) == [2])
    #expect(try resolve(TrafficGraph()).warnings.isEmpty)
  }

  @Test("is this one's without a name, and what bears one beside it is another's")
  func mirrored() throws {
    var graph = TrafficGraph()
    let ends = [nil, "west"].flatMap { cluster in
      ["productpage-v1", "details-v1"].map {
        graph.index(of: TrafficEndpoint(cluster: cluster, namespace: "bookinfo", name: $0))
      }
    }
    graph.add(source: ends[0], destination: ends[1], bytesPerSecond: nil, requestsPerSecond: 1)
    graph.add(source: ends[0], destination: ends[3], bytesPerSecond: nil, requestsPerSecond: 50)
    let (traffic, warnings) = try resolve(graph)
    #expect(traffic.edges.map(\.traffic) == [1])
    #expect(traffic.outside.map(\.reason) == ["in the cluster west"])
    #expect(
      warnings == [
        "the traffic names the cluster west for some ends and none for others: those are taken for this cluster's, and "
          + "west for another; --cluster-name says otherwise"
      ])
    #expect(try resolve(graph, ["west"]).traffic.edges.map(\.traffic) == [50])
    // What only callers name never bears a cluster's name.
    var calls = Self.graph([("west/bookinfo/productpage-v1", "west/bookinfo/details-v1", 2)])
    let peer = calls.index(of: TrafficEndpoint(namespace: nil, name: "reviews-v1", isPeer: true))
    calls.add(source: 0, destination: peer, bytesPerSecond: nil, requestsPerSecond: 3)
    #expect(try resolve(calls).traffic.edges.map(\.traffic) == [2, 3])
    #expect(try resolve(calls).warnings.isEmpty)
    // Istio calls every cluster so that has no name.
    let istio = Self.graph([("Kubernetes/bookinfo/productpage-v1", "Kubernetes/bookinfo/details-v1", 2)])
    var both = ObservedTraffic(istio)
    both.add(ObservedTraffic(calls))
    #expect(try resolve(both).traffic.edges.map(\.traffic) == [2, 3])
  }

  @Test("that may be this one's or another's is refused", arguments: [["details-v1", "productpage-v1"], ["x", "y"]])
  func ambiguous(_ workloads: [String]) throws {
    let graph = Self.graph(
      ["a", "b"].map { ("\($0)/bookinfo/productpage-v1", "\($0)/bookinfo/details-v1", 1) })
    let error = try #require(throws: PlanningError.self) {
      try ObservedTraffic(graph).seen(from: [], Self.resolver(workloads))
    }
    #expect(error.code == .badTraffic)
    #expect(error.message.hasPrefix("the traffic is of the clusters a, b, and which of them this is cannot be told"))
  }
}
