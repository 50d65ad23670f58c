/// What a selector found out about how fast a replica is: enough for another selector to start with.
public struct ServicePace: Hashable, Sendable {
  /// Seconds that a request was worked on.
  public var seconds: Double
  /// How many requests were worked on at a time, on average while there were any; at least 1.
  public var concurrency: Double
  /// From how many requests this is known, those of late counting more.
  public var completions: Double

  /// Makes a pace.
  public init(seconds: Double, concurrency: Double, completions: Double) {
    self.seconds = seconds
    self.concurrency = concurrency
    self.completions = completions
  }

  /// Whether it can be true.
  var isPlausible: Bool {
    seconds.isFinite && seconds > 0 && concurrency.isFinite && concurrency >= 1 && completions.isFinite
      && completions > 0
  }
}
