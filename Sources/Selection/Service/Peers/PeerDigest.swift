package import Model
package import Overflow

/// What a peer said last.
package struct PeerDigest: Sendable {
  /// How its picks stand at each replica, by service and address.
  package var services: [String: [String: PeerKnowledge]]
  /// What comes there, by service.
  package var arrivals: [String: PeerArrivals] = [:]
  /// When it said so.
  package var heard: Moment

  /// Makes what a peer said.
  package init(services: [String: [String: PeerKnowledge]], arrivals: [String: PeerArrivals] = [:], heard: Moment) {
    self.services = services
    self.arrivals = arrivals
    self.heard = heard
  }
}
