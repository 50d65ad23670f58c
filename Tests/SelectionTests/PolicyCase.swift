import Selection

/// The policies, for tests that hold for all of them.
enum PolicyCase: String, CaseIterable, Sendable {
  case random, roundRobin, leastRequest, peakEWMA, c3, prequal, tonari

  /// Runs a body that is generic over policies with this one.
  func with<Result>(_ body: (any SelectionPolicy) throws -> Result) rethrows -> Result {
    switch self {
    case .random: try body(RandomPolicy())
    case .roundRobin: try body(RoundRobinPolicy())
    case .leastRequest: try body(LeastRequestPolicy())
    case .peakEWMA: try body(PeakEWMAPolicy())
    case .c3: try body(C3Policy())
    case .prequal: try body(PrequalPolicy())
    case .tonari: try body(TonariPolicy(seed: 3))
    }
  }
}
