import Model
package import Overflow

/// What another selector says of one service, as it says it: what of it counts is decided by who hears it
/// (``Dispatcher/hear(_:of:from:at:)``).
package struct PeerWord: Sendable {
  /// A replica that was registered there.
  package struct Registration: Sendable {
    /// The replica.
    package var replica: ServiceReplica
    /// For how long it stays.
    package var lifetime: Duration

    /// Makes a registration.
    package init(replica: ServiceReplica, lifetime: Duration) {
      self.replica = replica
      self.lifetime = lifetime
    }
  }

  /// The service, as it is called there.
  package var service: String
  /// What was registered there.
  package var registrations: [Registration]
  /// What is known there of replicas, by their addresses; of one that is there twice the last counts.
  package var replicas: [(address: String, knowledge: PeerKnowledge)]
  /// The requests that come there; nil where it does not say.
  package var arrivals: PeerArrivals?

  /// Makes what is said of a service.
  package init(
    service: String, registrations: [Registration], replicas: [(address: String, knowledge: PeerKnowledge)],
    arrivals: PeerArrivals?
  ) {
    self.service = service
    self.registrations = registrations
    self.replicas = replicas
    self.arrivals = arrivals
  }
}
