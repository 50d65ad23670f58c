import Model
import Report

/// What requests took, some way of sending them after another.
struct LatencyTable {
  /// What became of the requests that went one way.
  struct Outcome: Sendable {
    /// What each took that was answered, in seconds.
    var latencies: [Double] = []
    /// Those that failed.
    var failures = 0
  }

  private var table = TextTable(
    columns: [
      .init(""), .init("requests", isNumeric: true), .init("failed", isNumeric: true), .init("mean", isNumeric: true),
      .init("p50", isNumeric: true), .init("p90", isNumeric: true), .init("p99", isNumeric: true),
    ], indent: 2)

  /// Adds a line.
  mutating func add(_ name: String, _ outcome: Outcome) {
    let sorted = outcome.latencies.sorted()
    func quantile(_ q: Double) -> TextTable.Cell {
      guard !sorted.isEmpty else { return "–" }
      return TextTable.Cell(Self.milliseconds(sorted[min(sorted.count - 1, Int(saturating: q * Double(sorted.count)))]))
    }
    let mean = sorted.isEmpty ? "–" : Self.milliseconds(sorted.reduce(0, +) / Double(sorted.count))
    table.add([
      TextTable.Cell(name), "\(sorted.count + outcome.failures)",
      TextTable.Cell("\(outcome.failures)", outcome.failures > 0 ? .warning : .good), TextTable.Cell(mean),
      quantile(0.5), quantile(0.9), quantile(0.99),
    ])
  }

  /// The table as lines.
  func render(_ style: TerminalStyle) -> String { table.render(style) }

  private static func milliseconds(_ seconds: Double) -> String { Human.duration(.seconds(saturating: seconds)) }
}
