import Model

/// What is needed of one counter's samples to give its rate, without keeping them.
struct CounterSeries: Sendable {
  private(set) var firstTime = 0.0
  private(set) var lastTime = 0.0
  private var firstValue = 0.0
  private var lastValue = 0.0
  /// What the counter counted in all, as if it had never been reset.
  private var increase = 0.0
  private(set) var count = 0

  /// The seconds from one sample to the next; infinite where there are not two.
  var interval: Double { count > 1 ? (lastTime - firstTime) / Double(count - 1) : .infinity }

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

  /// Takes in the samples of the same counter from another dump, which must not begin earlier. Where the two overlap,
  /// the counter is taken to have risen evenly.
  mutating func append(_ other: CounterSeries) {
    guard count > 0, other.firstTime <= lastTime else {
      if other.count > 0 {
        add(time: other.firstTime, value: other.firstValue)
        increase += other.increase
        count += other.count - 1
        lastTime = other.lastTime
        lastValue = other.lastValue
      }
      return
    }
    guard other.lastTime > lastTime else { return }
    let new = (other.lastTime - lastTime) / (other.lastTime - other.firstTime)
    increase += other.increase * new
    count += max(1, Int(saturating: Double(other.count - 1) * new))
    lastTime = other.lastTime
    lastValue = other.lastValue
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
    let threshold = interval * 1.1

    var toStart = firstTime - start
    if toStart >= threshold { toStart = interval / 2 }
    if increase > 0, firstValue >= 0 { toStart = min(toStart, sampled * firstValue / increase) }
    var toEnd = end - lastTime
    if toEnd >= threshold { toEnd = interval / 2 }

    return increase * ((sampled + toStart + toEnd) / sampled) / (end - start)
  }
}
