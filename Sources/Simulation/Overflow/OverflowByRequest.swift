import Overflow
import Selection

/// Ours, request by request: what is admitted here stays, what the neighbour has room for goes there, the rest is turned
/// away.
struct OverflowByRequest: OverflowRouter {
  let period = 1.0
  let shareOut: Double? = nil
  /// A neighbour's room is a mean over some seconds; as much may come at once as makes that up.
  private static let remoteBurst = Duration.seconds(5)
  /// Steps over which what was sent is averaged: about what a neighbour's word takes.
  private static let lag = 3

  private var sight: OverflowSight
  private var local: Admission
  private var remote: Admission
  private var sent: [Double] = [0]

  /// - Parameters:
  ///   - capacity: What stays at most, in requests per minute.
  ///   - isBlind: Whether the neighbour is taken to have room for everything.
  init(capacity: Double, isBlind: Bool) {
    sight = OverflowSight(capacity: capacity, isBlind: isBlind)
    local = Admission(perMinute: capacity)
    remote = Admission(perMinute: isBlind ? .infinity : capacity, burst: Self.remoteBurst)
  }

  mutating func route(at now: Moment) -> OverflowDestination {
    if local.admit(at: now) { return .here }
    guard remote.admit(at: now) else { return .nowhere }
    sent[sent.count - 1] += 60
    return .neighbour
  }

  mutating func learn(_ measurement: OverflowMeasurement, at now: Moment) {
    _ = sight.decide(measurement, at: now)
    local.set(perMinute: sight.capacity * sight.governor.trustedCapacity)
    let mean = sent.reduce(0, +) / Double(sent.count) / measurement.seconds
    remote.set(perMinute: sight.room(measurement.neighbour, sentPerMinute: mean, at: now))
    sent.append(0)
    if sent.count > Self.lag { sent.removeFirst() }
  }
}
