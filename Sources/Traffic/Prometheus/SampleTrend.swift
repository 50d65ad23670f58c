/// How the values of series move, which tells rates from counters where nothing else does.
///
/// A query such as `sum by (__name__, …) (rate(…))` gives rates the name of the counter; without `rate` it gives sums of
/// counters, with the same labels. Counters rise, and fall where a process started anew; rates fall about as often as
/// they rise. Where nothing moves, there would have been no traffic if they were counters.
struct SampleTrend {
  private var rises = 0
  private var falls = 0
  private var isFractional = false

  /// Whether what was taken in is rates.
  var isOfRates: Bool { isFractional || falls * 2 >= rises }

  /// Takes in a value, and the one of its series before.
  ///
  /// - Parameter countsWholes: Whether a counter of this metric counts what cannot be divided.
  mutating func add(_ value: Double, after last: Double, countsWholes: Bool) {
    if value > last { rises += 1 }
    if value < last { falls += 1 }
    if countsWholes, value.rounded() != value { isFractional = true }
  }
}
