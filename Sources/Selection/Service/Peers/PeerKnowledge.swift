/// What other selectors know of a replica, taken together.
package struct PeerKnowledge: Hashable, Sendable {
  /// Requests in flight that they dispatched.
  package var inFlight = 0
  /// What the one of them found out that knows it from most requests; nil where none did.
  package var pace: ServicePace?

  /// Makes what is known; nothing by default.
  package init(inFlight: Int = 0, pace: ServicePace? = nil) {
    self.inFlight = inFlight
    self.pace = pace
  }

  /// Takes in what another one knows.
  mutating func add(_ other: PeerKnowledge) {
    inFlight += other.inFlight
    guard let pace = other.pace, pace.completions > self.pace?.completions ?? 0 else { return }
    self.pace = pace
  }
}
