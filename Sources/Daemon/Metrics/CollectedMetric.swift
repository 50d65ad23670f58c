/// A metric with all its series, as read at one time; see ``MetricsRegistry/collect(_:)``.
package struct CollectedMetric: Sendable {
  /// Prometheus' kinds of metrics.
  package enum Kind: String, Sendable {
    /// A sum that only grows.
    case counter
    /// A value that goes up and down.
    case gauge
    /// How many values were at or below each of some bounds.
    case histogram
  }

  /// One line.
  struct Sample: Sendable {
    var suffix = ""
    var dimensions: [(String, String)]
    var text: String
  }

  let label: String
  let kind: Kind
  let help: String
  private(set) var samples: [Sample] = []

  /// Makes a metric without series.
  package init(_ label: String, _ kind: Kind, _ help: String) {
    self.label = label
    self.kind = kind
    self.help = help
  }

  /// Adds a series of a counter or gauge.
  package mutating func add(_ value: Double, _ dimensions: [(String, String)] = []) {
    samples.append(Sample(dimensions: dimensions, text: "\(value)"))
  }

  /// Adds a series of a counter or gauge.
  package mutating func add(_ value: some BinaryInteger, _ dimensions: [(String, String)] = []) {
    samples.append(Sample(dimensions: dimensions, text: "\(value)"))
  }

  /// Adds a series of a histogram.
  ///
  /// - Parameters:
  ///   - counts: how many values were in each bucket; one more than there are bounds, for those above all.
  ///   - bounds: the buckets' upper bounds, growing.
  ///   - sum: the sum of all values.
  package mutating func add(
    counts: [UInt64], bounds: [Double], sum: Double, _ dimensions: [(String, String)] = []
  ) {
    precondition(counts.count == bounds.count + 1, "there is one bucket more than there are bounds")
    var total: UInt64 = 0
    for (count, bound) in zip(counts, bounds.map { "\($0)" } + ["+Inf"]) {
      total &+= count
      samples.append(Sample(suffix: "_bucket", dimensions: dimensions + [("le", bound)], text: "\(total)"))
    }
    samples.append(Sample(suffix: "_sum", dimensions: dimensions, text: "\(sum)"))
    samples.append(Sample(suffix: "_count", dimensions: dimensions, text: "\(total)"))
  }
}
