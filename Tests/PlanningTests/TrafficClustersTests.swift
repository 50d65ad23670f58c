import Foundation
import Planning
import Testing
import Topology
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
    let resolver = try Self.resolver()
    let (seen, warnings) = try graph.seen(from: clusterNames, resolver)
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
    #expect(try resolve(Self.graph([istio, tracer]), ["kukulcan", "prod"]).traffic.edges.map(\.traffic) == [3])
    #expect(try resolve(TrafficGraph()).warnings.isEmpty)
  }

  @Test("that may be this one's or another's is refused", arguments: [["details-v1", "productpage-v1"], ["x", "y"]])
  func ambiguous(_ workloads: [String]) throws {
    let graph = Self.graph(
      ["a", "b"].map { ("\($0)/bookinfo/productpage-v1", "\($0)/bookinfo/details-v1", 1) })
    let error = try #require(throws: PlanningError.self) { try graph.seen(from: [], Self.resolver(workloads)) }
    #expect(error.code == .badTraffic)
    #expect(error.message.hasPrefix("the traffic is of the clusters a, b, and which of them this is cannot be told"))
  }
}
