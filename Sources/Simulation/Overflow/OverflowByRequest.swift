import Model
import Overflow

/// Ours, request by request: what is admitted here stays, what the neighbour has room for goes there, the rest is turned
/// away.
struct OverflowByRequest: OverflowRouter {
  let period = 1.0
  let shareOut: Double? = nil
  /// A neighbour's room is a mean over some seconds; as much may come at once as makes that up.
  private static let remoteBurst = Duration.seconds(5)

  private var sight: OverflowSight
  private var local: Admission
  private var remote: Admission

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
    sight.send()
    return .neighbour
  }

  mutating func learn(_ measurement: OverflowMeasurement, at now: Moment) {
    remote.set(perMinute: sight.room(measurement, at: now))
    _ = sight.decide(measurement, at: now)
    local.set(perMinute: sight.capacity * sight.governor.trustedCapacity)
  }
}
