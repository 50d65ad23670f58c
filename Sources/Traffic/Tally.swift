/// Counts what an importer reads, drops and warns of, so that nothing is dropped silently.
struct Tally: Sendable {
  /// How many warnings are kept in full; the rest is counted.
  private static let warningLimit = 20

  /// Records read, dropped ones included.
  var records = 0
  private(set) var dropped: [TrafficDump.Dropped] = []
  private var warnings: [String] = []
  private var furtherWarnings = 0

  /// Counts a record that is left out of the graph.
  mutating func drop(_ reason: String, count: Int = 1) {
    if let index = dropped.firstIndex(where: { $0.reason == reason }) {
      dropped[index].count += count
    } else {
      dropped.append(TrafficDump.Dropped(reason: reason, count: count))
    }
  }

  /// Adds a sentence for the user, once.
  mutating func warn(_ warning: String) {
    guard !warnings.contains(warning) else { return }
    if warnings.count < Self.warningLimit {
      warnings.append(warning)
    } else {
      furtherWarnings += 1
    }
  }

  /// Makes the dump.
  ///
  /// - Parameter noun: What a record is called in the plural, such as `rows`.
  func dump(of graph: TrafficGraph, _ sources: [String], _ format: TrafficFormat, noun: String) -> TrafficDump {
    var sentences = warnings
    if furtherWarnings > 0 { sentences.append("\(furtherWarnings) more warnings of the same kinds") }
    sentences += dropped.map { "\($0.count) of \(records) \(noun) left out: \($0.reason)" }
    return TrafficDump(
      sources: sources,
      format: format,
      graph: graph,
      records: records,
      dropped: dropped,
      warnings: sentences
    )
  }
}
