/// Who talks to whom, as one or more origins tell it.
///
/// What tools measure is the same traffic, whichever of them does, but each has its own names for the ends. So the
/// graphs stay apart until it is known what the names mean; then, of the traffic between two ends that several have
/// measured, the higher rates count. What tables of the user's own state is added.
public struct ObservedTraffic: Sendable {
  /// What one tool measured.
  public struct Measurement: Sendable {
    /// What it is called in a warning, such as the names of its dumps.
    public var source: String
    /// Who talks to whom.
    public var graph: TrafficGraph
  }

  /// What tools measured, each for itself.
  public private(set) var measured: [Measurement] = []
  /// What the user states.
  public private(set) var stated = TrafficGraph()

  /// Makes traffic of which nothing is known.
  public init() {}

  /// Makes traffic that one tool measured.
  public init(_ graph: TrafficGraph, source: String = "the traffic") {
    measured = [Measurement(source: source, graph: graph)]
  }

  /// Takes in what the dumps of one kind say.
  ///
  /// - Parameter source: what they are called in warnings; nil for their own names.
  public mutating func add(_ dump: TrafficDump, source: String? = nil) {
    if dump.format == .csv {
      stated.add(dump.graph)
    } else {
      measured.append(Measurement(source: source ?? dump.source, graph: dump.graph))
    }
  }

  /// Takes in what other origins say.
  public mutating func add(_ other: ObservedTraffic) {
    measured += other.measured
    stated.add(other.stated)
  }

  /// All origins together, as far as they use the same names.
  public var graph: TrafficGraph {
    var graph = TrafficGraph()
    for measurement in measured { graph.unite(measurement.graph) }
    graph.add(stated)
    return graph
  }

  /// All graphs.
  public var graphs: [TrafficGraph] { measured.map(\.graph) + [stated] }

  /// The traffic with its ends named otherwise.
  public func renaming(_ rename: (TrafficEndpoint) -> TrafficEndpoint) -> ObservedTraffic {
    var traffic = self
    for index in traffic.measured.indices { traffic.measured[index].graph = measured[index].graph.renaming(rename) }
    traffic.stated = stated.renaming(rename)
    return traffic
  }
}
