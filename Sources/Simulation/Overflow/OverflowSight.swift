import Overflow
import Selection

/// A governor, and how it sees the world.
struct OverflowSight: Sendable {
  /// For how long the neighbour's headroom is believed.
  private static let lifetime = Duration.seconds(10)

  let capacity: Double
  private let isBlind: Bool
  private(set) var governor = SplitGovernor()

  init(capacity: Double, isBlind: Bool) {
    self.capacity = capacity
    self.isBlind = isBlind
  }

  mutating func decide(_ measurement: OverflowMeasurement, at now: Moment) -> Split {
    governor.decide(
      Observation(
        demandPerMinute: Double(measurement.arrived) * 60 / measurement.seconds, seconds: measurement.seconds,
        capacityPerMinute: capacity, responseSeconds: measurement.responseSeconds,
        errorShare: measurement.errorShare, neighbours: [neighbour(measurement.neighbour, at: now)]), at: now)
  }

  /// Requests per minute that the neighbour may be sent now.
  func room(_ report: NeighbourReport, sentPerMinute: Double, at now: Moment) -> Double {
    guard !isBlind else { return .infinity }
    var neighbour = neighbour(report, at: now)
    neighbour.sentPerMinute = sentPerMinute
    return neighbour.room(governor.settings, at: now)
  }

  private func neighbour(_ report: NeighbourReport, at now: Moment) -> Neighbour {
    // One that is not asked has room for all there is.
    let headroom =
      isBlind
      ? Headroom(perMinute: 1e6, at: now, lifetime: Self.lifetime)
      : Headroom(perMinute: report.headroom, receivedPerMinute: report.received, at: now, lifetime: Self.lifetime)
    return Neighbour(name: "neighbour", cost: 4, headroom: headroom)
  }
}
