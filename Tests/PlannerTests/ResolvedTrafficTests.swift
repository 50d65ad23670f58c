import Foundation
import Model
import Placement
import Planner
import Testing
import Traffic

@Suite("Traffic between workloads")
struct ResolvedTrafficTests {
  static let names = ["web", "cart", "db", "v1", "v2"]

  static func resolve(
    _ edges: [(String, String, bytes: Double?, requests: Double?)],
    map: String = ""
  ) throws -> ResolvedTraffic {
    var graph = TrafficGraph()
    for edge in edges {
      let source = graph.index(of: TrafficEndpoint(namespace: nil, name: edge.0))
      let destination = graph.index(of: TrafficEndpoint(namespace: nil, name: edge.1))
      graph.add(
        source: source,
        destination: destination,
        bytesPerSecond: edge.bytes,
        requestsPerSecond: edge.requests
      )
    }
    return ResolvedTraffic(graph, try resolver(map)) { names[$0] }
  }

  static func resolver(_ map: String = "") throws -> EndpointResolver {
    try EndpointResolver(
      workloads: names.map { name in
        EndpointResolver.Workload(
          name: WorkloadName(namespace: "default", name: name),
          replicas: name == "v2" ? 3 : 1,
          podLabels: ["app": name.hasPrefix("v") ? "v" : name]
        )
      },
      nodes: ["node-1"],
      map: EndpointMap(Data(map.utf8), file: "map.yaml")
    )
  }

  static func text(_ traffic: ResolvedTraffic) -> [String] {
    func end(_ end: ResolvedTraffic.End) -> String {
      switch end {
      case .workload(let w): names[w]
      case .pinned(let name, let node): "\(name)@\(node)"
      }
    }
    return traffic.edges.map { "\(end($0.u))–\(end($0.v)) \($0.traffic)" }
  }

  @Test("has one edge for both directions of a conversation")
  func undirected() throws {
    let traffic = try Self.resolve([("web", "cart", 10, nil), ("cart", "web", 5, nil), ("cart", "db", 1, nil)])
    #expect(Self.text(traffic) == ["web–cart 15.0", "cart–db 1.0"])
    #expect(traffic.unit == .bytesPerSecond)
    #expect(traffic.total == 16)
    #expect(traffic.warnings.isEmpty)
  }

  @Test("is split by replicas where a name means several workloads, and says so")
  func split() throws {
    let traffic = try Self.resolve([("web", "v", 100, nil)])
    #expect(Self.text(traffic) == ["web–v1 25.0", "web–v2 75.0"])
    #expect(traffic.notes == ["v means several workloads, by replicas: v1, v2"])
  }

  @Test("of a workload with itself is no edge")
  func own() throws {
    let traffic = try Self.resolve([("db", "db", 7, nil), ("web", "db", 1, nil)])
    #expect(Self.text(traffic) == ["web–db 1.0"])
    #expect(traffic.selfTraffic == 7)
  }

  @Test("with an end outside is counted and named, the most traffic first")
  func outside() throws {
    let traffic = try Self.resolve([
      ("web", "bank", 3, nil), ("internet", "web", 90, nil), ("bank", "internet", 1, nil), ("web", "cart", 6, nil),
    ])
    #expect(Self.text(traffic) == ["web–cart 6.0"])
    #expect(traffic.outside.map { "\($0.name) \($0.traffic)" } == ["internet 91.0", "bank 4.0"])
    #expect(traffic.outsideTraffic == 94)
    #expect(traffic.total == 100)
  }

  @Test("with an end outside is named even where the dump does not have it in the unit")
  func outsideWithoutUnit() throws {
    let traffic = try Self.resolve([("internet", "web", nil, 5), ("web", "cart", 6, nil)])
    #expect(traffic.outside.map { "\($0.name) \($0.traffic)" } == ["internet 10000.0"])
    #expect(traffic.total == 10_006)
    #expect(
      traffic.warnings == [
        "1 of 1 edges with an end outside have requests but no bytes: a request counts 2000 bytes, a default, because no "
          + "edge has both"
      ])
  }

  @Test("with a pinned end is an edge to that end")
  func pinned() throws {
    let traffic = try Self.resolve([("web", "db.example.com", 3, nil)], map: "db.example.com: {node: node-1}")
    #expect(Self.text(traffic) == ["web–db.example.com@node-1 3.0"])
    #expect(traffic.outside.isEmpty)
  }

  @Test("is in requests where all edges have requests and some have no bytes")
  func requests() throws {
    let traffic = try Self.resolve([("web", "cart", 100, 1), ("cart", "db", nil, 2)])
    #expect(traffic.unit == .requestsPerSecond)
    #expect(Self.text(traffic) == ["web–cart 1.0", "cart–db 2.0"])
    #expect(traffic.warnings.isEmpty)
  }

  @Test("of mixed units is in bytes, with requests at their mean size, and says so")
  func mixed() throws {
    let traffic = try Self.resolve([("web", "cart", 100, 2), ("cart", "db", nil, 4), ("web", "db", 30, nil)])
    #expect(traffic.unit == .bytesPerSecond)
    #expect(Self.text(traffic) == ["web–cart 100.0", "cart–db 200.0", "web–db 30.0"])
    #expect(
      traffic.warnings == [
        "1 of 3 edges between workloads have requests but no bytes: "
          + "a request counts 50 bytes, the mean over the edges that have both"
      ]
    )
  }

  @Test("of mixed units without an edge that has both counts a request as a default size, and says which")
  func unmeasured() throws {
    let traffic = try Self.resolve([
      ("web", "cart", nil, 2), ("web", "v1", nil, 1), ("cart", "db", nil, 4), ("web", "db", 50e6, nil),
      ("cart", "v1", 50e6, nil),
    ])
    #expect(traffic.unit == .bytesPerSecond)
    #expect(
      Self.text(traffic) == [
        "web–cart 4000.0", "web–v1 2000.0", "cart–db 8000.0", "web–db 50000000.0", "cart–v1 50000000.0",
      ])
    #expect(
      traffic.warnings == [
        "3 of 5 edges between workloads have requests but no bytes: a request counts 2000 bytes, a default, because no "
          + "edge has both"
      ])
  }

  @Test("of mixed units takes the size of a request from edges with an end outside where no other has both")
  func measuredOutside() throws {
    let traffic = try Self.resolve([("web", "cart", nil, 2), ("web", "db", 30, nil), ("web", "bank", 70, 10)])
    #expect(Self.text(traffic) == ["web–cart 14.0", "web–db 30.0"])
    #expect(traffic.outside.map(\.traffic) == [70])
  }

  @Test("of requests and of connections between the same ends is added up, and connections measure no request")
  func connections() throws {
    var graph = TrafficGraph()
    let ends = ["web", "cart", "db"].map { graph.index(of: TrafficEndpoint(namespace: nil, name: $0)) }
    graph.add(source: ends[0], destination: ends[1], bytesPerSecond: 100, requestsPerSecond: 10)
    graph.add(source: ends[1], destination: ends[2], bytesPerSecond: nil, requestsPerSecond: 3)
    graph.add(
      source: ends[1], destination: ends[2], bytesPerSecond: 5000, requestsPerSecond: nil, isOfConnections: true)
    let traffic = ResolvedTraffic(graph, try Self.resolver()) { Self.names[$0] }
    #expect(Self.text(traffic) == ["web–cart 100.0", "cart–db 5030.0"])
  }

  @Test("in a unit that only outside edges lack is in that unit, and theirs is converted")
  func outsideDoesNotDecide() throws {
    let bytes = try Self.resolve([("web", "cart", 5, nil), ("internet", "web", nil, 4)])
    #expect(bytes.unit == .bytesPerSecond)
    #expect(bytes.total == 8005)
    let requests = try Self.resolve([("web", "cart", nil, 5), ("internet", "web", 4000, nil)])
    #expect(requests.unit == .requestsPerSecond)
    #expect(requests.total == 7)
    #expect(
      requests.warnings == [
        "1 of 1 edges with an end outside have bytes but no requests: a request counts for 2000 bytes, a default, "
          + "because no edge has both"
      ])
  }

  @Test("names what each name of the dump was taken for, and by what")
  func named() throws {
    let traffic = try Self.resolve(
      [("web", "v", 4, nil), ("web", "old", 1, nil), ("web", "bank", 2, nil)], map: "old: db")
    #expect(
      traffic.named.map { "\($0.name) = \($0.meaning) by \($0.evidence): \($0.traffic)" } == [
        "web = web by workload default/web: 7.0", "v = v1, v2 by app label of default/v: 4.0",
        "old = db by map: workload default/db: 1.0",
      ])
  }

  @Test("is empty for an empty dump")
  func empty() throws {
    let traffic = try Self.resolve([])
    #expect(traffic.edges.isEmpty)
    #expect(traffic.total == 0)
    #expect(traffic.warnings.isEmpty)
  }
}
