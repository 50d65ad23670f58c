import Model

/// The original: each minute `w_in = 100·RPMmax/RPM` and `w_out = 100·(RPM − RPMmax)/RPM`, from the rate of the minute
/// before. A mesh then draws for each request.
struct MeasuredWeights: OverflowRouter {
  let period = 60.0
  private let limit: Double
  private let heedsHeadroom: Bool
  private var out = 0.0
  private var generator: SeededGenerator

  /// - Parameters:
  ///   - limit: `RPMmax`, in requests per minute.
  ///   - heedsHeadroom: Whether what the neighbour has no room for stays.
  init(limit: Double, heedsHeadroom: Bool = false, seed: UInt64) {
    self.limit = limit
    self.heedsHeadroom = heedsHeadroom
    generator = SeededGenerator(seed: seed)
  }

  var shareOut: Double? { out }

  mutating func route(at now: Moment) -> OverflowDestination { generator.unit() < out ? .neighbour : .here }

  mutating func learn(_ measurement: OverflowMeasurement, at now: Moment) {
    let rate = Double(measurement.arrived) * 60 / measurement.seconds
    guard rate > limit else {
      out = 0
      return
    }
    var excess = rate - limit
    if heedsHeadroom { excess = min(excess, max(0, measurement.neighbour.headroom + measurement.neighbour.received)) }
    out = excess / rate
  }
}
