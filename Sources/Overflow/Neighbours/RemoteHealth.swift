public import Model

/// Whether a neighbour answers: one that fails gets nothing at once, and after a pause a trickle, until that is answered.
public struct RemoteHealth: Hashable, Sendable {
  /// How it is with a neighbour.
  public enum State: Hashable, Sendable {
    /// It answers.
    case healthy
    /// It gets nothing until then.
    case down(until: Moment)
    /// It gets a trickle, of which so many were answered in a row.
    case probing(answered: Int)
  }

  private var state = State.healthy
  private var failuresInARow = 0
  private var pause: Double

  private static let firstPause = 2.0
  private static let longestPause = 60.0
  private static let failuresToGo = 3
  private static let answersToReturn = 3

  /// Makes the health of a neighbour that answers.
  public init() {
    pause = Self.firstPause
  }

  /// How it is at a time: a pause that is over makes it one to probe.
  public func state(at now: Moment) -> State {
    if case .down(let until) = state, now >= until { .probing(answered: 0) } else { state }
  }

  /// Whether it gets nothing at present.
  public func isDown(at now: Moment) -> Bool {
    if case .down = state(at: now) { true } else { false }
  }

  /// Learns how requests ended that went there, several at a time or each by itself.
  ///
  /// Three failures in a row, or failures in half of at least three requests that are noted together, take it down; when
  /// it is being probed one failure does.
  public mutating func note(requests: Int, failures: Int, at now: Moment) {
    guard requests > 0 else { return }
    let failures = min(max(0, failures), requests)
    state = state(at: now)
    switch state {
    case .down: return
    case .probing(let answered):
      if failures > 0 { return fail(at: now) }
      if answered + requests >= Self.answersToReturn {
        state = .healthy
        failuresInARow = 0
      } else {
        state = .probing(answered: answered + requests)
      }
    case .healthy:
      failuresInARow = failures == requests ? failuresInARow + failures : 0
      if failuresInARow >= Self.failuresToGo || (requests >= Self.failuresToGo && failures * 2 >= requests) {
        fail(at: now)
      } else if failures == 0 {
        pause = Self.firstPause
      }
    }
  }

  private mutating func fail(at now: Moment) {
    state = .down(until: now + .seconds(saturating: pause))
    pause = min(Self.longestPause, pause * 2)
    failuresInARow = 0
  }
}
