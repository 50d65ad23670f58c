/// The time that dumps cover, from the times in them, to turn counts into rates.
///
/// A dump covers the time from the first to the last of its times. What several dumps cover counts once, and what lies
/// between two of them does not count. A few times that are far from all others are a broken clock's, and do not tell
/// when a dump began or ended.
struct ObservedTime: Sendable {
  /// How many records a dump must have for its time to tell when it began and ended.
  private static let enough = 1000

  private var times = TimeHistogram()
  /// What the dumps cover that have ended, and how many records they have.
  private var ended: [(time: ClosedRange<Double>, count: Int)] = []
  /// How many times are left out, because they are none or far from all others.
  private var strayCount = 0

  /// Takes in a time in seconds since any one moment.
  mutating func add(_ seconds: Double) {
    if seconds.isFinite { times.add(seconds) }
  }

  /// Takes in a time in seconds since 1970, of which there is none where a clock was not set.
  mutating func add(sinceEpoch seconds: Double) {
    if seconds > 0 { add(seconds) } else { strayCount += 1 }
  }

  /// Takes in when something began and ended, in seconds since 1970.
  mutating func add(from start: Double?, to end: Double?) {
    if let start, let end, end > 0, end < start {
      strayCount += 2
    } else {
      if let start { add(sinceEpoch: start) }
      if let end { add(sinceEpoch: end) }
    }
  }

  /// Ends a dump.
  mutating func endDump() {
    if let bounds = times.bounds() {
      ended.append((bounds.time, times.count))
      strayCount += bounds.strayCount
    }
    times = TimeHistogram()
  }

  /// What to tell the user of times that are left out.
  var warning: String? {
    guard strayCount > 0 else { return nil }
    return "\(strayCount) times are zero, in the wrong order or far from all others: the time covered is without them"
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
    for dump in ended.map(\.time).sorted(by: { $0.lowerBound < $1.lowerBound }) where dump.upperBound > end {
      covered += dump.upperBound - max(end, dump.lowerBound)
      end = dump.upperBound
    }
    return covered
  }

  /// Whether a dump with many records lies in less than half of the time of another one, as where one node's buffer is
  /// full sooner than another's: what it counts is then divided by too long a time.
  var isUneven: Bool {
    guard let longest = ended.map(\.time).max(by: { $0.length < $1.length }) else { return false }
    return ended.contains { dump in
      dump.count >= Self.enough && dump.time.overlaps(longest) && dump.time.length < longest.length / 2
    }
  }
}

extension ClosedRange<Double> {
  fileprivate var length: Double { upperBound - lowerBound }
}

extension Duration {
  /// The duration in seconds.
  var seconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }
}
