public import Traffic

/// Who talks to whom, as one or more sources say.
///
/// What tools measure is the same traffic, whichever of them does: of an edge that two kinds of dumps have, the higher
/// rates count. What tables of the user's own state is added.
public struct TrafficReading: Sendable {
  private var measured = TrafficGraph()
  private var stated = TrafficGraph()
  /// What a user should know of the figures, a sentence each.
  public private(set) var warnings: [String] = []

  /// All sources together.
  public var graph: TrafficGraph {
    var graph = measured
    graph.add(stated)
    return graph
  }

  /// Makes a reading of nothing.
  public init() {}

  /// Puts together what the dumps of different kinds say that are one observation.
  ///
  /// - Parameter source: What the dumps are called in warnings; nil for their own names.
  init(_ dumps: [TrafficDump], source: String? = nil) {
    for dump in dumps {
      if dump.format == .csv {
        stated.add(dump.graph)
      } else if measured.unite(dump.graph) > 0 {
        warnings.append(
          "\(source ?? dump.source): edges that other dumps have measured too count once, at the higher rate")
      }
      warnings += dump.warnings.map { "\(source ?? dump.source): \($0)" }
    }
  }

  /// Adds what another source says.
  public mutating func add(_ other: TrafficReading) {
    measured.unite(other.measured)
    stated.add(other.stated)
    warnings += other.warnings
  }
}
