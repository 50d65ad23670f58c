/// How a pick went.
package enum PickStatus: UInt8, Hashable, Sendable {
  /// There is a replica.
  case picked
  /// The service has no replica that may be named.
  case noReplica
  /// It is a retry, and the retry budget is used up.
  case noRetryLeft
  /// The service has as many requests in flight as it may, see ``DispatcherOptions/mostInFlight``; or its cluster bears no
  /// more and no other has room, see ``ServiceOverflow``: then ``PickAnswer/retryAfter`` is above 0.
  case full
}
