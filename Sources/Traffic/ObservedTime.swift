/// The time that a dump covers, from the times in it, to turn counts into rates.
struct ObservedTime: Sendable {
  private var first = Double.infinity
  private var last = -Double.infinity

  /// Takes in a time in seconds since any one moment.
  mutating func add(_ seconds: Double) {
    guard seconds.isFinite else { return }
    first = min(first, seconds)
    last = max(last, seconds)
  }

  /// The seconds to divide counts by: the window where one is given, otherwise the time covered, at least one second
  /// so that a handful of records within a moment does not become an enormous rate.
  func seconds(window: Duration?) -> Double {
    window?.seconds ?? max(1, first <= last ? last - first : 1)
  }
}

extension Duration {
  /// The duration in seconds.
  var seconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }
}
