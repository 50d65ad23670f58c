/// How a request ended, as far as it speaks about the replica.
public enum Outcome: UInt8, Hashable, Sendable, CaseIterable {
  /// It was answered.
  case success
  /// The replica failed: an error of its own, a timeout, a broken connection.
  case failure
  /// The asker gave up, which says nothing about the replica.
  case cancelled
}

/// A request that ended, as policies learn of it.
public struct Completion: Hashable, Sendable {
  /// The replica's slot.
  public var slot: Int
  /// How it ended.
  public var outcome: Outcome
  /// Seconds from dispatch to completion, or those that the asker measured.
  public var latencySeconds: Double
  /// When it ended.
  public var at: Moment
  /// Whether the table counted it as in flight; it did not where the asker went on to the replica by itself.
  public var wasInFlight = true

  /// Makes a completion.
  public init(slot: Int, outcome: Outcome, latencySeconds: Double, at: Moment) {
    self.slot = slot
    self.outcome = outcome
    self.latencySeconds = latencySeconds
    self.at = at
  }
}
