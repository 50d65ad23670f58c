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

  /// Takes in what comes elsewhere, too.
  mutating func add(_ other: PeerArrivals) {
    perMinute += other.perMinute
    receivedPerMinute += other.receivedPerMinute
  }

  /// What is left without a part of it; no less than nothing.
  func without(_ part: PeerArrivals) -> PeerArrivals {
    PeerArrivals(
      perMinute: max(0, perMinute - part.perMinute),
      receivedPerMinute: max(0, receivedPerMinute - part.receivedPerMinute))
  }

  /// No more than so many of either.
  func capped(at most: Double) -> PeerArrivals {
    PeerArrivals(perMinute: min(perMinute, most), receivedPerMinute: min(receivedPerMinute, most))
  }
}
