import Model
import Overflow

/// Ours, by weights: a governor decides each second, a mesh draws for each request.
struct GovernedWeights: OverflowRouter {
  let period = 1.0
  private var sight: OverflowSight
  private var out = 0.0
  private var generator: SeededGenerator

  /// - Parameters:
  ///   - capacity: What stays at most, in requests per minute.
  ///   - isBlind: Whether the neighbour is taken to have room for everything.
  init(capacity: Double, isBlind: Bool, seed: UInt64) {
    sight = OverflowSight(capacity: capacity, isBlind: isBlind)
    generator = SeededGenerator(seed: seed)
  }

  var shareOut: Double? { out }

  mutating func route(at now: Moment) -> OverflowDestination {
    guard generator.unit() < out else { return .here }
    sight.send()
    return .neighbour
  }

  mutating func learn(_ measurement: OverflowMeasurement, at now: Moment) {
    let split = sight.decide(measurement, at: now)
    out = MeshWeights(split).split.out
  }
}
