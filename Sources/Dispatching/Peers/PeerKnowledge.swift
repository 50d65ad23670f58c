import Selection

/// What other selectors know of a replica, taken together.
struct PeerKnowledge: Hashable, Sendable {
  /// Requests in flight that they dispatched.
  var inFlight = 0
  /// What the one of them found out that knows it from most requests; nil where none did.
  var pace: ServicePace?

  /// Takes in what another one knows.
  mutating func add(_ other: PeerKnowledge) {
    inFlight += other.inFlight
    guard let pace = other.pace, pace.completions > self.pace?.completions ?? 0 else { return }
    self.pace = pace
  }
}
