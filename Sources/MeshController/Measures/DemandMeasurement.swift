/// What was counted of a service's requests.
package struct DemandMeasurement: Hashable, Sendable {
  /// How requests ended at a neighbour.
  package struct Outcome: Hashable, Sendable {
    /// How many were answered or failed.
    package var requests: Double
    /// How many of them failed.
    package var failures: Double

    /// Makes an outcome.
    package init(requests: Double, failures: Double) {
      self.requests = requests
      self.failures = failures
    }
  }

  /// Where requests went, as shares from 0 to 1.
  package struct Shares: Hashable, Sendable {
    /// What stayed.
    package var local: Double
    /// What went to each neighbour, in the policy's order.
    package var remote: [Double]
    /// What was turned away.
    package var shed: Double

    /// Makes shares.
    package init(local: Double, remote: [Double], shed: Double) {
      self.local = local
      self.remote = remote
      self.shed = shed
    }
  }

  /// The requests per minute that arrived, before they were split.
  package var demandPerMinute: Double
  /// The time in which they were counted, in seconds.
  package var seconds: Double
  /// The mean response time of the service here, in seconds; nil where that is not known.
  package var responseSeconds: Double?
  /// The share of the requests that failed here, from 0 to 1; nil where that is not known.
  package var errorShare: Double?
  /// What became of requests at each neighbour, by its name; those of which nothing is known are missing.
  package var outcomes: [String: Outcome]
  /// Neighbours of which whoever counts has seen no request: where some went there, the demand is half a count.
  package var unseen: Set<String> = []
  /// Where requests went, where those who split them say so; nil where that is not known.
  package var shares: Shares?

  /// Makes a measurement.
  package init(
    demandPerMinute: Double, seconds: Double = 1, responseSeconds: Double? = nil, errorShare: Double? = nil,
    outcomes: [String: Outcome] = [:], shares: Shares? = nil
  ) {
    self.demandPerMinute = demandPerMinute
    self.seconds = seconds
    self.responseSeconds = responseSeconds
    self.errorShare = errorShare
    self.outcomes = outcomes
    self.shares = shares
  }

  /// Whether it can be true at all: numbers, and none below 0.
  package var isSound: Bool {
    func isAmount(_ value: Double) -> Bool { value >= 0 && value < 1e11 }
    return isAmount(demandPerMinute) && seconds > 0 && seconds < 1e6 && responseSeconds.map(isAmount) ?? true
      && errorShare.map { (0...1).contains($0) } ?? true
      && outcomes.values.allSatisfy { isAmount($0.requests) && isAmount($0.failures) }
  }
}
