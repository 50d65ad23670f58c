/// Who talks to whom, as one or more origins tell it.
///
/// What tools measure is the same traffic, whichever of them does, but each has its own names for the ends. So the
/// graphs stay apart until it is known what the names mean; then, of the traffic between two ends that several have
/// measured, the higher rates count. What tables of the user's own state is added.
package struct ObservedTraffic: Sendable {
  /// What one tool measured.
  package struct Measurement: Sendable {
    /// What it is called in a warning, such as the names of its dumps.
    package var source: String
    /// Who talks to whom.
    package var graph: TrafficGraph
  }

  /// What tools measured, each for itself.
  package private(set) var measured: [Measurement] = []
  /// What the user states.
  package private(set) var stated = TrafficGraph()

  /// Makes traffic of which nothing is known.
  package init() {}

  /// Makes traffic that one tool measured.
  package init(_ graph: TrafficGraph, source: String = "the traffic") {
    measured = [Measurement(source: source, graph: graph)]
  }

  /// Takes in what the dumps of one kind say.
  ///
  /// - Parameter source: what they are called in warnings; nil for their own names.
  package mutating func add(_ dump: TrafficDump, source: String? = nil) {
    if dump.format == .csv {
      stated.add(dump.graph)
    } else {
      measured.append(Measurement(source: source ?? dump.source, graph: dump.graph))
    }
  }

  /// Takes in what other origins say.
  package mutating func add(_ other: ObservedTraffic) {
    measured += other.measured
    stated.add(other.stated)
  }

  /// All origins together, as far as they use the same names.
  package var graph: TrafficGraph {
    var graph = TrafficGraph()
    for measurement in measured { graph.unite(measurement.graph) }
    graph.add(stated)
    return graph
  }

  /// All graphs.
  package var graphs: [TrafficGraph] { measured.map(\.graph) + [stated] }

  /// The traffic with its ends named otherwise.
  package func renaming(_ rename: (TrafficEndpoint) -> TrafficEndpoint) -> ObservedTraffic {
    var traffic = self
    for index in traffic.measured.indices { traffic.measured[index].graph = measured[index].graph.renaming(rename) }
    traffic.stated = stated.renaming(rename)
    return traffic
  }
}
