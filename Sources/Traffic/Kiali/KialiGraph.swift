/// The nodes and edges of a Kiali graph, as far as traffic is concerned.
struct KialiGraph {
  struct Node {
    var endpoint: TrafficEndpoint
    /// Whether this is a service, which only passes on what it gets to the workloads behind it.
    var isService: Bool
  }

  struct Edge {
    var source: Int
    var target: Int
    /// Bytes of requests.
    var bytesPerSecond: Double?
    var requestsPerSecond: Double?
    /// Bytes of connections in which no requests are counted.
    var connectionBytesPerSecond: Double?
  }

  var nodes: [Node] = []
  var edges: [Edge] = []

  /// How many edges splitting may make at most. Kiali's own graphs have a few thousand.
  static let splitLimit = 10_000_000

  /// The traffic between workloads: an edge into a service is split among the workloads behind it, in proportion to
  /// what the service passes on to each, so that a request that Kiali draws as two edges counts once.
  ///
  /// A service that has nothing behind it, or another service next to it, stays an end of its own. Nil where the
  /// services would have to be split into more than ``splitLimit`` edges.
  func split() -> TrafficGraph? {
    let outgoing = edgesOut()
    let isPassed = servicesPassed(outgoing)
    var incoming = [Int](repeating: 0, count: nodes.count)
    for edge in edges { incoming[edge.target] += 1 }
    var count = 0
    for node in nodes.indices where isPassed[node] {
      let (product, overflow) = incoming[node].multipliedReportingOverflow(by: outgoing[node].count)
      count += overflow ? Self.splitLimit : product
      guard count <= Self.splitLimit else { return nil }
    }

    var graph = TrafficGraph()
    for measure in Measure.allCases {
      let isFed = nodesFed(measure)
      for edge in edges {
        guard let rate = measure.rate(of: edge) else { continue }
        if isPassed[edge.source], isFed[edge.source] { continue }
        let behind = isPassed[edge.target] ? outgoing[edge.target] : []
        let total = behind.reduce(0) { $0 + (measure.rate(of: edges[$1]) ?? 0) }
        guard total > 0, total.isFinite else {
          add(edge.source, edge.target, measure, rate, to: &graph)
          continue
        }
        for next in behind {
          guard let share = measure.rate(of: edges[next]) else { continue }
          add(edge.source, edges[next].target, measure, rate * (share / total), to: &graph)
        }
      }
    }
    return graph
  }

  private enum Measure: CaseIterable {
    case requests, bytes, connectionBytes

    func rate(of edge: Edge) -> Double? {
      switch self {
      case .requests: edge.requestsPerSecond
      case .bytes: edge.bytesPerSecond
      case .connectionBytes: edge.connectionBytesPerSecond
      }
    }
  }

  private func edgesOut() -> [[Int]] {
    var outgoing = [[Int]](repeating: [], count: nodes.count)
    for (index, edge) in edges.enumerated() { outgoing[edge.source].append(index) }
    return outgoing
  }

  private func servicesPassed(_ outgoing: [[Int]]) -> [Bool] {
    var isPassed = nodes.indices.map { nodes[$0].isService && !outgoing[$0].isEmpty }
    for edge in edges where nodes[edge.source].isService && nodes[edge.target].isService {
      isPassed[edge.source] = false
      isPassed[edge.target] = false
    }
    return isPassed
  }

  private func nodesFed(_ measure: Measure) -> [Bool] {
    var isFed = [Bool](repeating: false, count: nodes.count)
    for edge in edges where (measure.rate(of: edge) ?? 0) > 0 { isFed[edge.target] = true }
    return isFed
  }

  private func add(_ source: Int, _ target: Int, _ measure: Measure, _ rate: Double, to graph: inout TrafficGraph) {
    graph.add(
      source: graph.index(of: nodes[source].endpoint),
      destination: graph.index(of: nodes[target].endpoint),
      bytesPerSecond: measure == .requests ? nil : rate,
      requestsPerSecond: measure == .requests ? rate : nil,
      isOfConnections: measure == .connectionBytes
    )
  }
}
