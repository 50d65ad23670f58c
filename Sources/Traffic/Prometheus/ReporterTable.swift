/// Adds up what each reporter says of each edge and metric, so that one of them is counted and not all.
///
/// Istio's proxies at both ends report the same request, and so may a waypoint between them. Where the caller's node
/// reports connections to a Service that go to something else than what the waypoint says is called, that is the
/// waypoint: the connections to and from it are the way that the traffic takes, and what the waypoint reports is in them.
struct ReporterTable: Sendable {
  /// What a rate is of.
  struct Key: Hashable {
    var metric: TrafficMetric
    var source: Int
    var destination: Int
  }

  /// What each reporter says; nil where it says nothing.
  private struct Rates {
    var destination: Double?
    var waypoint: Double?
    var source: Double?
    var unnamed: Double?
    /// The Service that was asked for, as the waypoint says.
    var waypointService: String?

    private var all: [Double] { [destination, waypoint, source, unnamed].compactMap { $0 } }

    /// What is counted: the destination has seen what arrived and what it answered, so that it comes first. Where another
    /// saw more than twice as much, its proxies were not all there or started anew.
    var preferred: Double {
      let half = (all.max() ?? 0) / 2
      return all.first { $0 >= half } ?? 0
    }
    var reporters: Int { all.count }
  }

  private var indices: [Key: Int] = [:]
  private var entries: [(key: Key, rates: Rates)] = []
  /// Where connections to a Service go, by what asks for it.
  private var connections: [Question: Set<Int>] = [:]

  private struct Question: Hashable {
    var source: Int
    var service: String
  }

  /// Adds a rate.
  ///
  /// - Parameter service: The Service that was asked for, where that is known.
  mutating func add(_ rate: Double, of key: Key, reporter: String?, service: String? = nil) {
    let index = indices[key] ?? entries.count
    if index == entries.count {
      indices[key] = index
      entries.append((key, Rates()))
    }
    switch reporter {
    case "destination": entries[index].rates.destination = (entries[index].rates.destination ?? 0) + rate
    case "waypoint":
      entries[index].rates.waypointService = service
      entries[index].rates.waypoint = (entries[index].rates.waypoint ?? 0) + rate
    case "source":
      if let service, key.metric.isOfConnections {
        connections[Question(source: key.source, service: service), default: []].insert(key.destination)
      }
      entries[index].rates.source = (entries[index].rates.source ?? 0) + rate
    default: entries[index].rates.unnamed = (entries[index].rates.unnamed ?? 0) + rate
    }
  }

  /// Whether any edge was reported by more than one side.
  var hasTwoReporters: Bool { entries.contains { $0.rates.reporters > 1 } }

  /// The graph of all edges, with how they came about.
  struct Result {
    var graph = TrafficGraph()
    /// How many of the waypoints' reports are left out, because others hold them.
    var throughWaypoints = 0
    /// How many edges more than one maker of metrics has measured.
    var measuredTwice = 0
  }

  /// Makes the graph of all edges, each with one reporter's rates. What Istio, Linkerd and tracing measured is the same
  /// traffic.
  func graph(naming endpoints: [TrafficEndpoint]) -> Result {
    var result = Result()
    for origin in TrafficMetric.Origin.allCases {
      let graph = graph(of: origin, naming: endpoints, &result.throughWaypoints)
      result.measuredTwice += result.graph.unite(graph)
    }
    return result
  }

  private func graph(
    of origin: TrafficMetric.Origin, naming endpoints: [TrafficEndpoint], _ throughWaypoints: inout Int
  ) -> TrafficGraph {
    var graph = TrafficGraph()
    for (key, rates) in entries where key.metric.origin == origin {
      if isOnItsWay(key, rates) {
        throughWaypoints += 1
        continue
      }
      graph.add(
        source: graph.index(of: endpoints[key.source]),
        destination: graph.index(of: endpoints[key.destination]),
        bytesPerSecond: key.metric.countsBytes ? rates.preferred : nil,
        requestsPerSecond: key.metric.countsBytes ? nil : rates.preferred,
        isOfConnections: key.metric.isOfConnections
      )
    }
    return graph
  }

  /// Whether what a waypoint reports is in the connections to it.
  private func isOnItsWay(_ key: Key, _ rates: Rates) -> Bool {
    guard rates.waypoint != nil, rates.destination == nil, rates.source == nil, let service = rates.waypointService
    else {
      return false
    }
    return connections[Question(source: key.source, service: service)]?.contains { $0 != key.destination } ?? false
  }
}
