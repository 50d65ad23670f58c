public import Traffic

/// Who talks to whom, as one or more sources say.
public struct TrafficReading: Sendable {
  /// All sources added up.
  public var graph: TrafficGraph
  /// What a user should know of the figures, a sentence each.
  public var warnings: [String]

  /// Makes a reading.
  public init(graph: TrafficGraph = TrafficGraph(), warnings: [String] = []) {
    self.graph = graph
    self.warnings = warnings
  }

  /// Adds up what the dumps of different kinds say that are one observation.
  init(_ dumps: [TrafficDump]) {
    self.init()
    for dump in dumps {
      graph.add(dump.graph)
      warnings += dump.warnings.map { "\(dump.source): \($0)" }
    }
  }

  /// Adds what another source says.
  public mutating func add(_ other: TrafficReading) {
    graph.add(other.graph)
    warnings += other.warnings
  }
}
