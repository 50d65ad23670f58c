import Model

/// How often a service was asked, by what came of it.
package struct PickCounts: Hashable, Sendable {
  /// Picks on the asker's node.
  package var node: UInt64 = 0
  /// Picks in its zone, on another node.
  package var zone: UInt64 = 0
  /// Picks in its cluster, in another zone.
  package var cluster: UInt64 = 0
  /// Picks elsewhere, or where nobody said where the request comes from.
  package var remote: UInt64 = 0
  /// Picks, of those above, where no replica was fit.
  package var panic: UInt64 = 0
  /// Requests for which there was no replica.
  package var none: UInt64 = 0
  /// Retries that the budget did not allow.
  package var refusedRetries: UInt64 = 0
  /// Requests that were turned away because the service was full.
  package var shed: UInt64 = 0
  /// Picks that nobody completed in time.
  package var expired: UInt64 = 0
  /// Those of them that were let go before their time, as too many were open.
  package var evicted: UInt64 = 0
  /// Completed picks, by ``Outcome``.
  package var succeeded: UInt64 = 0
  /// Completed picks whose replica failed.
  package var failed: UInt64 = 0
  /// Picks whose asker gave up or went away.
  package var cancelled: UInt64 = 0
  /// Completions of picks by somebody who had not made them; they changed nothing.
  package var foreign: UInt64 = 0

  /// No requests.
  package init() {}

  /// All picks.
  package var total: UInt64 { node &+ zone &+ cluster &+ remote }

  /// Adds another service's.
  mutating func add(_ other: PickCounts) {
    for count in [
      \PickCounts.node, \.zone, \.cluster, \.remote, \.panic, \.none, \.refusedRetries, \.shed, \.expired, \.evicted,
      \.succeeded, \.failed, \.cancelled,
    ] { self[keyPath: count] &+= other[keyPath: count] }
  }

  mutating func count(_ tier: Tier) {
    switch tier {
    case .node: node &+= 1
    case .zone: zone &+= 1
    case .cluster: cluster &+= 1
    case .remote: remote &+= 1
    }
  }

  mutating func count(_ outcome: Outcome) {
    switch outcome {
    case .success: succeeded &+= 1
    case .failure: failed &+= 1
    case .cancelled: cancelled &+= 1
    }
  }
}
