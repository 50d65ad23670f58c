/// The time that dumps cover, from the times in them, to turn counts into rates.
///
/// A dump covers the time from the first to the last of its times. What several dumps cover counts once, and what lies
/// between two of them does not count.
struct ObservedTime: Sendable {
  private var first = Double.infinity
  private var last = -Double.infinity
  /// What the dumps cover that have ended.
  private var ended: [ClosedRange<Double>] = []

  /// Takes in a time in seconds since any one moment.
  mutating func add(_ seconds: Double) {
    guard seconds.isFinite else { return }
    first = min(first, seconds)
    last = max(last, seconds)
  }

  /// Ends a dump.
  mutating func endDump() {
    if first <= last { ended.append(first...last) }
    first = .infinity
    last = -.infinity
  }

  /// The seconds to divide counts by: the window where one is given, otherwise the time covered, at least one second
  /// so that a handful of records within a moment does not become an enormous rate.
  func seconds(window: Duration?) -> Double {
    window?.seconds ?? max(1, covered)
  }

  /// The seconds that the dumps cover that have ended.
  var covered: Double {
    var covered = 0.0
    var end = -Double.infinity
    for dump in ended.sorted(by: { $0.lowerBound < $1.lowerBound }) where dump.upperBound > end {
      covered += dump.upperBound - max(end, dump.lowerBound)
      end = dump.upperBound
    }
    return covered
  }
}

extension Duration {
  /// The duration in seconds.
  var seconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }
}
