/// What can be set in ``TonariPolicy``.
public struct TonariOptions: Hashable, Sendable {
  /// How fast it forgets how fast replicas were: a time constant.
  public var memory: Duration
  /// How many completions at everybody's pace a replica is granted beforehand, above zero. More makes it slower to
  /// believe.
  public var prior: Double
  /// What a request takes, before any was seen.
  public var firstGuess: Duration
  /// As how many ordinary requests' time a failed one counts, none of them completed.
  public var failureCost: Double
  /// How much longer a request takes where all the others that a replica works on at a time are there, as a share.
  public var crowding: Double

  /// Makes options; the defaults did well in the testbed at every load.
  public init(
    memory: Duration = .milliseconds(800), prior: Double = 2, firstGuess: Duration = .milliseconds(30),
    failureCost: Double = 20, crowding: Double = 0.1
  ) {
    self.memory = memory
    self.prior = prior
    self.firstGuess = firstGuess
    self.failureCost = failureCost
    self.crowding = crowding
  }
}
