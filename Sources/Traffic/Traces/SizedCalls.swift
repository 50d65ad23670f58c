/// Calls between ends, of which some say how large they are.
struct SizedCalls {
  /// What the calls of one edge say of one way.
  private struct Sizes {
    var sum = 0.0
    var count = 0

    var mean: Double? { count > 0 ? sum / Double(count) : nil }

    mutating func add(_ size: Double?) {
      guard let size else { return }
      sum += size
      count += 1
    }
  }

  private struct Edge {
    var request = Sizes()
    var response = Sizes()
    var calls = 0
    /// How many of them say at least one of the two.
    var sized = 0
  }

  private var calls = TrafficGraph()
  /// What the calls of each edge say, by its index.
  private var edges: [Edge] = []

  /// How many calls do not say how large they are, though others between the same ends do.
  var unsized: Int {
    edges.reduce(0) { $1.sized > 0 ? $0 + $1.calls - $1.sized : $0 }
  }

  /// Adds a call.
  mutating func add(from source: TrafficEndpoint, to destination: TrafficEndpoint, _ size: CallSize) {
    let index = calls.add(
      source: calls.index(of: source), destination: calls.index(of: destination), bytesPerSecond: nil,
      requestsPerSecond: 1)
    if index == edges.count { edges.append(Edge()) }
    edges[index].request.add(size.request)
    edges[index].response.add(size.response)
    edges[index].calls += 1
    if size.bytes != nil { edges[index].sized += 1 }
  }

  /// The calls, and their bytes: each is taken to be as large as the mean of those between the same ends that say so, for
  /// else an edge with few of them would look small beside one with many.
  func graph() -> TrafficGraph {
    var graph = calls
    for (index, edge) in edges.enumerated() {
      let size = CallSize(request: edge.request.mean, response: edge.response.mean)
      graph.setBytes(size.bytes.map { $0 * Double(edge.calls) }, ofEdge: index)
    }
    return graph
  }
}
