/// What a planner must know of its service.
package struct OverflowFigures: Sendable {
  /// Requests that came here, and those of them that another cluster sent, since the service was made.
  package var arrivals: UInt64
  package var received: UInt64
  /// Requests that were sent to each neighbour.
  package var sent: [UInt64]
  /// Replicas of the own cluster that are ready, and that take requests.
  package var ready: Int
  package var open: Int
  /// Replicas of each neighbour that are ready, and its gate.
  package var remoteReady: [Int]
  package var remotes: [OverflowGate.Remote]

  /// Makes what a planner must know.
  package init(
    arrivals: UInt64, received: UInt64, sent: [UInt64], ready: Int, open: Int, remoteReady: [Int],
    remotes: [OverflowGate.Remote]
  ) {
    self.arrivals = arrivals
    self.received = received
    self.sent = sent
    self.ready = ready
    self.open = open
    self.remoteReady = remoteReady
    self.remotes = remotes
  }
}

/// What another selector of the own cluster says of a service's requests, in requests per minute.
package struct PeerArrivals: Hashable, Sendable {
  /// Requests that come there.
  package var perMinute = 0.0
  /// Those of them that another cluster sent.
  package var receivedPerMinute = 0.0

  /// Makes rates; none by default.
  package init(perMinute: Double = 0, receivedPerMinute: Double = 0) {
    self.perMinute = perMinute
    self.receivedPerMinute = receivedPerMinute
  }

  /// Takes in what comes elsewhere, too.
  package mutating func add(_ other: PeerArrivals) {
    perMinute += other.perMinute
    receivedPerMinute += other.receivedPerMinute
  }

  /// What is left without a part of it; no less than nothing.
  package func without(_ part: PeerArrivals) -> PeerArrivals {
    PeerArrivals(
      perMinute: max(0, perMinute - part.perMinute),
      receivedPerMinute: max(0, receivedPerMinute - part.receivedPerMinute))
  }

  /// No more than so many of either.
  package func capped(at most: Double) -> PeerArrivals {
    PeerArrivals(perMinute: min(perMinute, most), receivedPerMinute: min(receivedPerMinute, most))
  }
}
