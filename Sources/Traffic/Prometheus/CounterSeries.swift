/// What is needed of one counter's samples to give its rate, without keeping them.
struct CounterSeries: Sendable {
  private var firstTime = 0.0
  private var lastTime = 0.0
  private var firstValue = 0.0
  private var lastValue = 0.0
  /// What the counter counted in all, as if it had never been reset.
  private var increase = 0.0
  private(set) var count = 0

  /// Takes in the next sample. Times must rise.
  mutating func add(time: Double, value: Double) {
    if count == 0 {
      firstTime = time
      firstValue = value
    } else {
      // A counter only falls where its process started anew, from zero.
      increase += value < lastValue ? value : value - lastValue
    }
    lastTime = time
    lastValue = value
    count += 1
  }

  /// The rate per second over a window, as Prometheus's `rate()` gives it over a range (`extrapolatedRate` in
  /// `promql/functions.go`); nil where there are fewer than two samples.
  ///
  /// The increase between the first and the last sample is extrapolated to the window's ends: all the way where they
  /// are about one sampling interval away, by half an interval where the series begins or ends inside the window, and
  /// never to before the counter would have been zero.
  func rate(from start: Double, to end: Double) -> Double? {
    let sampled = lastTime - firstTime
    guard count >= 2, sampled > 0, end > start else { return nil }
    let interval = sampled / Double(count - 1)
    let threshold = interval * 1.1

    var toStart = firstTime - start
    if toStart >= threshold { toStart = interval / 2 }
    if increase > 0, firstValue >= 0 { toStart = min(toStart, sampled * firstValue / increase) }
    var toEnd = end - lastTime
    if toEnd >= threshold { toEnd = interval / 2 }

    return increase * ((sampled + toStart + toEnd) / sampled) / (end - start)
  }
}
