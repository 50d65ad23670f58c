import Model

/// What was seen of work lately: how long how many servers were busy, and what they completed.
///
/// All fade at the same pace, so that their ratios, such as busy seconds for each completed request, stay what they were.
/// They fade in steps of a sixty-fourth of the time constant, which spares most calls the division.
struct ServiceRecord: Sendable {
  /// Busy seconds, summed over the requests that are worked on at a time.
  private(set) var busySeconds = 0.0
  /// Seconds in which anything was worked on at all.
  private(set) var activeSeconds = 0.0
  /// Requests completed with success.
  private(set) var completed = 0.0
  /// How many requests are worked on now.
  private(set) var busy = 0.0
  /// Whether there is something that others said, to be looked up. Here, because a cost is a matter of cache lines.
  var isAdvised = false
  private(set) var last: Moment
  private var faded: Moment

  /// Starts a record at a moment.
  init(at now: Moment) {
    last = now
    faded = now
  }

  /// Brings the record to a moment, and notes how many requests are worked on from then on.
  @inline(__always)
  mutating func advance(to now: Moment, _ decay: Decay, busy next: Double) {
    let age = now.seconds(since: faded)
    if age < decay.tau / 64 {
      let seconds = max(0, now.seconds(since: last))
      busySeconds += busy * seconds
      if busy > 0 { activeSeconds += seconds }
    } else {
      fade(age, now, decay)
    }
    last = now
    busy = next
  }

  private mutating func fade(_ age: Double, _ now: Moment, _ decay: Decay) {
    let seconds = now.seconds(since: last)
    let left = decay.left(after: age)
    // What the time since the last step leaves, had it faded all along.
    let passed = decay.tau * (1 - decay.left(after: seconds))
    busySeconds = busySeconds * left + busy * passed
    activeSeconds = activeSeconds * left + (busy > 0 ? passed : 0)
    completed *= left
    faded = now
  }

  /// Notes a request that was completed with success.
  mutating func complete() {
    completed += 1
  }

  /// Notes busy seconds without a completion.
  mutating func charge(seconds: Double) {
    busySeconds += seconds
  }

  /// Busy seconds for each request, as if `weight` more had taken `expected` seconds each.
  func secondsForEach(expected: Double, weight: Double) -> Double {
    (busySeconds + weight * expected) / (completed + weight)
  }

  /// How many requests were worked on at a time while there were any, as if `weight` more had been there alone.
  func meanBusy(expected: Double, weight: Double) -> Double {
    (busySeconds + weight * expected) / (activeSeconds + weight * expected)
  }
}
