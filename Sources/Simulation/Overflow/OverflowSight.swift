import Model
import Overflow

/// A governor, and how it sees the world.
struct OverflowSight: Sendable {
  /// For how long the neighbour's headroom is believed.
  private static let lifetime = Duration.seconds(10)

  /// Steps over which what was sent is counted: as many as the neighbour counts over.
  private static let steps = 3

  let capacity: Double
  private let isBlind: Bool
  private(set) var governor = SplitGovernor()
  private var sent: [Double] = [0]

  init(capacity: Double, isBlind: Bool) {
    self.capacity = capacity
    self.isBlind = isBlind
  }

  /// Counts a request that goes to the neighbour.
  mutating func send() { sent[sent.count - 1] += 1 }

  mutating func decide(_ measurement: OverflowMeasurement, at now: Moment) -> Split {
    defer {
      sent.append(0)
      if sent.count > Self.steps { sent.removeFirst() }
    }
    return governor.decide(
      Observation(
        demandPerMinute: Double(measurement.arrived) * 60 / measurement.seconds, seconds: measurement.seconds,
        capacityPerMinute: capacity, responseSeconds: measurement.responseSeconds,
        errorShare: measurement.errorShare, neighbours: [neighbour(measurement.neighbour, measurement.seconds, at: now)]
      ), at: now)
  }

  /// Requests per minute that the neighbour may be sent by what it says now; to be asked before ``decide(_:at:)``.
  func room(_ measurement: OverflowMeasurement, at now: Moment) -> Double {
    guard !isBlind else { return .infinity }
    return neighbour(measurement.neighbour, measurement.seconds, at: now).room(governor.settings, at: now)
  }

  private func neighbour(_ report: NeighbourReport, _ seconds: Double, at now: Moment) -> Neighbour {
    // One that is not asked has room for all there is.
    let headroom =
      isBlind
      ? Headroom(perMinute: 1e6, at: now, lifetime: Self.lifetime)
      : Headroom(perMinute: report.headroom, receivedPerMinute: report.received, at: now, lifetime: Self.lifetime)
    let sent = sent.reduce(0, +) * 60 / (Double(sent.count) * seconds)
    return Neighbour(name: "neighbour", cost: 4, headroom: headroom, sentPerMinute: sent)
  }
}
