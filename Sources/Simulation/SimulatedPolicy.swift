/// The policies that can be compared.
public enum SimulatedPolicy: String, CaseIterable, Hashable, Sendable {
  /// Any replica.
  case random
  /// One after the other.
  case roundRobin = "round-robin"
  /// The less busy of two.
  case leastRequest = "least-request"
  /// Of two, the lower latency times requests in flight.
  case peakEWMA = "peak-ewma"
  /// The lowest sum of latency and cubed queue, which answers report.
  case c3
  /// Of those that were probed, the lowest latency that is not hot.
  case prequal
  /// The soonest answer, predicted.
  case tonari
  /// The soonest answer, known.
  case oracle

  /// Whether one selector serves all clients. The others are what sidecars do by themselves, each on its own.
  var isShared: Bool { self == .tonari || self == .oracle }
  /// Whether answers bring a report of the server's load.
  var hearsWithAnswers: Bool { self == .c3 }
  /// Whether servers tell it all there is to know, at once.
  var isOmniscient: Bool { self == .oracle }
}
