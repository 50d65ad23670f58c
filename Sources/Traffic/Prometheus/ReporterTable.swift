/// Adds up what each reporter says of each edge and metric, so that one of them is counted and not all.
///
/// Istio's proxies at both ends report the same request, and so may a waypoint between them.
struct ReporterTable: Sendable {
  private struct Key: Hashable {
    var metric: TrafficMetric
    var source: Int
    var destination: Int
  }

  private struct Rates {
    var destination: Double?
    var waypoint: Double?
    var source: Double?
    var unnamed: Double?

    /// What is counted: the destination has seen what arrived and what it answered, so that it comes first.
    var preferred: Double { destination ?? waypoint ?? source ?? unnamed ?? 0 }
    var reporters: Int { [destination, waypoint, source, unnamed].count { $0 != nil } }
  }

  private var indices: [Key: Int] = [:]
  private var entries: [(key: Key, rates: Rates)] = []

  /// Adds a rate.
  mutating func add(_ rate: Double, metric: TrafficMetric, source: Int, destination: Int, reporter: String?) {
    let key = Key(metric: metric, source: source, destination: destination)
    let index = indices[key] ?? entries.count
    if index == entries.count {
      indices[key] = index
      entries.append((key, Rates()))
    }
    switch reporter {
    case "destination": entries[index].rates.destination = (entries[index].rates.destination ?? 0) + rate
    case "waypoint": entries[index].rates.waypoint = (entries[index].rates.waypoint ?? 0) + rate
    case "source": entries[index].rates.source = (entries[index].rates.source ?? 0) + rate
    default: entries[index].rates.unnamed = (entries[index].rates.unnamed ?? 0) + rate
    }
  }

  /// Whether any edge was reported by more than one side.
  var hasTwoReporters: Bool { entries.contains { $0.rates.reporters > 1 } }

  /// Makes the graph of all edges, each with one reporter's rates.
  func graph(naming endpoints: [TrafficEndpoint]) -> TrafficGraph {
    var graph = TrafficGraph()
    for (key, rates) in entries {
      graph.add(
        source: graph.index(of: endpoints[key.source]),
        destination: graph.index(of: endpoints[key.destination]),
        bytesPerSecond: key.metric.countsBytes ? rates.preferred : nil,
        requestsPerSecond: key.metric.countsBytes ? nil : rates.preferred
      )
    }
    return graph
  }
}
