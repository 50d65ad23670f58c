package import Connections

/// Whether a request that failed is sent again, and when.
package struct RetryPolicy: Hashable, Sendable {
  /// How often a request is sent at most.
  package var attempts: Int
  /// The waits between.
  package var backoff: Backoff
  /// The longest wait that a server may ask for; a request that would have to wait longer fails.
  package var longestRetryAfter: Duration

  /// Makes a policy.
  package init(attempts: Int = 5, backoff: Backoff = Backoff(), longestRetryAfter: Duration = .seconds(120)) {
    self.attempts = attempts
    self.backoff = backoff
    self.longestRetryAfter = longestRetryAfter
  }

  /// Sends each request once.
  package static let never = RetryPolicy(attempts: 1)

  /// How long to wait before a request is sent again; nil where it is not.
  ///
  /// - Parameters:
  ///   - error: How the last try failed.
  ///   - attempt: Which try it was, from 1.
  ///   - isRepeatable: Whether the request may take effect twice without harm. One that may not is sent again only
  ///     where the last try surely had no effect.
  ///   - generator: Where the jitter comes from.
  package mutating func delay(
    after error: APIError, attempt: Int, isRepeatable: Bool, using generator: inout some RandomNumberGenerator
  ) -> Duration? {
    guard attempt < attempts, isPassing(error), isRepeatable || !mayHaveTakenEffect(error) else { return nil }
    let delay = backoff.next(using: &generator)
    guard let asked = error.retryAfter else { return delay }
    return asked <= longestRetryAfter ? max(delay, asked) : nil
  }

  /// Whether another try may go better.
  private func isPassing(_ error: APIError) -> Bool {
    switch error.code {
    case .unreachable, .timedOut, .invalidResponse: true
    case .refused: [429, 500, 502, 503, 504].contains(error.status?.code)
    default: false
    }
  }

  /// A server that says when to come again has turned the request away; so has one that is asked too much.
  private func mayHaveTakenEffect(_ error: APIError) -> Bool {
    switch error.status?.code {
    case nil: error.mayHaveTakenEffect
    case 429: false
    case 503: error.retryAfter == nil
    default: true
    }
  }
}
