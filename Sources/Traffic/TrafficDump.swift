/// What a ``TrafficReader`` made of the dumps of one kind.
package struct TrafficDump: Sendable {
  /// Records of one kind that were left out of the graph.
  package struct Dropped: Hashable, Sendable {
    /// Why they were left out, such as `unknown caller or callee`.
    package var reason: String
    /// How many there were.
    package var count: Int
  }

  /// The names of the dumps as they were given to the reader.
  package var sources: [String]
  /// The format that the first of them was read as.
  package var format: TrafficFormat
  /// Who talks to whom and how much.
  package var graph: TrafficGraph
  /// How many records (rows, series, edges, flows, spans) the dumps have, dropped ones included.
  package var records: Int
  /// The records that were left out, by reason, in order of first appearance.
  package var dropped: [Dropped]
  /// What a user should know about the figures, in sentences; what was dropped is among them.
  package var warnings: [String]

  /// What the dumps are called in a message: their names, of many the first two.
  package var source: String {
    guard sources.count > 3 else { return sources.joined(separator: ", ") }
    return "\(sources.prefix(2).joined(separator: ", ")) and \(sources.count - 2) more"
  }
}
