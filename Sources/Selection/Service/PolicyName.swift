/// The policies that a dispatcher has.
package enum PolicyName: String, CaseIterable, Hashable, Sendable {
  /// Any replica.
  case random
  /// One after the other.
  case roundRobin = "round-robin"
  /// The less busy of two.
  case leastRequest = "least-request"
  /// Of two, the lower latency times requests in flight.
  case peakEWMA = "peak-ewma"
  /// The best rank by latency and queue, as C3 has it.
  case c3
  /// Of those heard of lately, the lowest latency that is not hot.
  case prequal
  /// The soonest answer, predicted.
  case tonari
}
