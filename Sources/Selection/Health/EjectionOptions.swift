import Model

/// When a replica gets a rest because of its failures, and for how long.
public struct EjectionOptions: Hashable, Sendable {
  /// As many failures in a row eject; zero never ejects.
  public var failuresInARow: Int
  /// A share of failures, among about the last sixteen requests, that ejects too.
  public var failureShare: Double
  /// How long the first rest lasts. Each further one lasts twice as long as the one before.
  public var shortestRest: Duration
  /// The longest rest.
  public var longestRest: Duration
  /// At most this share of the ready replicas rests at a time, rounded up, and never all.
  public var mostEjected: Double

  /// Makes options.
  public init(
    failuresInARow: Int = 3, failureShare: Double = 0.5, shortestRest: Duration = .seconds(1),
    longestRest: Duration = .seconds(60), mostEjected: Double = 0.3
  ) {
    self.failuresInARow = failuresInARow
    self.failureShare = failureShare
    self.shortestRest = shortestRest
    self.longestRest = longestRest
    self.mostEjected = mostEjected
  }

  /// The most replicas of a number of ready ones that may rest at a time.
  func cap(ready: Int) -> Int {
    min(Int(saturating: (mostEjected * Double(ready)).rounded(.up)), max(0, ready - 1))
  }
}
