/// What a ``TrafficReader`` made of one dump.
public struct TrafficDump: Sendable {
  /// Records of one kind that were left out of the graph.
  public struct Dropped: Hashable, Sendable {
    /// Why they were left out, such as `unknown caller or callee`.
    public var reason: String
    /// How many there were.
    public var count: Int
  }

  /// The name of the dump as it was given to the reader.
  public var source: String
  /// The format it was read as.
  public var format: TrafficFormat
  /// Who talks to whom and how much.
  public var graph: TrafficGraph
  /// How many records (rows, series, edges, flows, spans) the dump has, dropped ones included.
  public var records: Int
  /// The records that were left out, by reason, in order of first appearance.
  public var dropped: [Dropped]
  /// What a user should know about the figures, in sentences; what was dropped is among them.
  public var warnings: [String]
}
