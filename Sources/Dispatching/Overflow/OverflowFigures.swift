import Selection

/// What a planner must know of its service.
struct OverflowFigures: Sendable {
  /// Requests that came here, and those of them that another cluster sent, since the service was made.
  var arrivals: UInt64
  var received: UInt64
  /// Requests that were sent to each neighbour.
  var sent: [UInt64]
  /// Replicas of the own cluster that are ready, and that take requests.
  var ready: Int
  var open: Int
  /// Replicas of each neighbour that are ready, and its gate.
  var remoteReady: [Int]
  var remotes: [OverflowGate.Remote]
}

/// What another selector of the own cluster says of a service's requests, in requests per minute.
struct PeerArrivals: Hashable, Sendable {
  /// Requests that come there.
  var perMinute = 0.0
  /// Those of them that another cluster sent.
  var receivedPerMinute = 0.0
}
