import Testing

@testable import Traffic

/// A graph from nodes such as `a:workload` and edges such as `a b http 20`.
private func graph(type: String = "workload", nodes: [String], edges: [String]) -> String {
  let nodes = nodes.map { node in
    let parts = node.split(separator: ":")
    let name = parts[1] == "service" ? "service" : "workload"
    return
      #"{"data": {"id": "\#(parts[0])", "nodeType": "\#(parts[1])", "namespace": "n", "\#(name)": "\#(parts[0])"}}"#
  }
  let edges = edges.map { edge in
    let parts = edge.split(separator: " ")
    return #"{"data": {"source": "\#(parts[0])", "target": "\#(parts[1])", "#
      + #""traffic": {"protocol": "\#(parts[2])", "rates": {"\#(parts[2])": "\#(parts[3])"}}}}"#
  }
  return #"{"elements": {"edges": [\#(edges.joined(separator: ","))], "nodes": [\#(nodes.joined(separator: ","))]}, "#
    + #""graphType": "\#(type)"}"#
}

@Suite struct KialiTests {
  @Test(
    "Traffic through services counts once, between the workloads",
    arguments: [
      (
        "split in proportion", "workload", ["a:workload", "s:service", "b:workload", "c:workload"],
        ["a s http 8", "s b http 30", "s c http 10"], ["n/a → n/b: 6/s", "n/a → n/c: 2/s"]
      ),
      (
        "requests and bytes apart", "workload", ["a:workload", "s:service", "b:workload", "c:workload"],
        ["a s http 8", "a s tcp 100", "s b http 8", "s c tcp 100"], ["n/a → n/b: 8/s", "n/a → n/c: 100 B/s"]
      ),
      ("a service with nothing behind it", "app", ["a:workload", "s:service"], ["a s grpc 8"], ["n/a → n/s: 8/s"]),
      (
        "a service that passes nothing on", "app", ["a:workload", "s:service", "b:workload"],
        ["a s grpc 8", "s b grpc 0"], ["n/a → n/s: 8/s"]
      ),
      (
        "a service that nobody calls", "app", ["s:service", "b:workload"], ["s b http 8"], ["n/s → n/b: 8/s"]
      ),
      (
        "services in a row stay ends", "workload", ["a:workload", "s:service", "t:service", "b:workload"],
        ["a s http 8", "s t http 8", "t b http 8"], ["n/a → n/s: 8/s", "n/s → n/t: 8/s", "n/t → n/b: 8/s"]
      ),
      (
        "services are the ends of a service graph", "service", ["a:service", "s:service", "b:service"],
        ["a s http 8", "s b http 8"], ["n/a → n/s: 8/s", "n/s → n/b: 8/s"]
      ),
      (
        "a service that calls itself", "workload", ["a:workload", "s:service"], ["a s http 8", "s s http 1"],
        ["n/a → n/s: 8/s", "n/s → n/s: 1/s"]
      ),
    ]
  )
  func services(_ what: String, _ type: String, _ nodes: [String], _ edges: [String], _ expected: [String]) throws {
    #expect(lines(try read(graph(type: type, nodes: nodes, edges: edges)).graph) == expected)
  }

  @Test("What Istio let through without knowing it is outside", arguments: ["PassthroughCluster", "BlackHoleCluster"])
  func passthrough(_ name: String) throws {
    let text = graph(nodes: ["a:workload", "\(name):service"], edges: ["a \(name) http 10"])
    #expect(lines(try read(text).graph) == ["n/a → [n/\(name)]: 10/s"])
  }

  @Test("No traffic is lost or made when services are split")
  func conserved() throws {
    var random = SeededGenerator(state: 7)
    for _ in 0..<200 {
      var drawn = KialiGraph()
      let count = Int.random(in: 2...10, using: &random)
      for node in 0..<count {
        let endpoint = TrafficEndpoint(namespace: nil, name: "\(node)")
        drawn.nodes.append(.init(endpoint: endpoint, isService: Bool.random(using: &random)))
      }
      for _ in 0..<Int.random(in: 1...30, using: &random) {
        drawn.edges.append(
          .init(
            source: Int.random(in: 0..<count, using: &random),
            target: Int.random(in: 0..<count, using: &random),
            bytesPerSecond: Bool.random(using: &random) ? Double.random(in: 0...9, using: &random) : nil,
            requestsPerSecond: Double.random(in: 0...9, using: &random)
          )
        )
      }
      let split = try #require(drawn.split())
      // What workloads send arrives, whole, and nothing else but what services send that get nothing themselves.
      for node in drawn.nodes.indices where !drawn.nodes[node].isService {
        let sent = drawn.edges.filter { $0.source == node }.reduce(0) { $0 + ($1.requestsPerSecond ?? 0) }
        let arrived = split.edges.filter { split.endpoints[$0.source].name == "\(node)" }
          .reduce(0) { $0 + ($1.requestsPerSecond ?? 0) }
        #expect(abs(sent - arrived) < 1e-9)
      }
    }
  }

  @Test("Services with too many edges in and out are refused, not worked on for hours")
  func tooMany() {
    var drawn = KialiGraph()
    drawn.nodes = [.init(endpoint: TrafficEndpoint(namespace: nil, name: "s"), isService: true)]
    for node in 1...8000 {
      drawn.nodes.append(.init(endpoint: TrafficEndpoint(namespace: nil, name: "\(node)"), isService: false))
      drawn.edges.append(
        node <= 4000
          ? .init(source: node, target: 0, requestsPerSecond: 1) : .init(source: 0, target: node, requestsPerSecond: 1)
      )
    }
    #expect(drawn.split()?.edges.count == nil)
  }
}
