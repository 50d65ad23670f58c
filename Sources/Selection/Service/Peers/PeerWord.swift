package import Overflow

/// What another selector says of one service, as it says it: what of it counts is decided by who hears it
/// (``Dispatcher/hear(_:of:from:at:)``). What it says of replicas is read only as far as it counts.
package struct PeerWord<Registrations: Sequence<PeerRegistration>, Replicas: Sequence<PeerReplica>> {
  /// The service, as it is called there.
  package var service: String
  /// What was registered there.
  package var registrations: Registrations
  /// What is known there of replicas; of one that is there twice the last counts.
  package var replicas: Replicas
  /// The requests that come there; nil where it does not say.
  package var arrivals: PeerArrivals?

  /// Makes what is said of a service.
  package init(service: String, registrations: Registrations, replicas: Replicas, arrivals: PeerArrivals?) {
    self.service = service
    self.registrations = registrations
    self.replicas = replicas
    self.arrivals = arrivals
  }
}

/// A replica that was registered with another selector.
package struct PeerRegistration: Sendable {
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

/// What another selector knows of a replica.
package struct PeerReplica: Sendable {
  /// Its address.
  package var address: String
  /// What is known.
  package var knowledge: PeerKnowledge

  /// Makes what is known of a replica.
  package init(address: String, knowledge: PeerKnowledge) {
    self.address = address
    self.knowledge = knowledge
  }
}
