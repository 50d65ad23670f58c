import Model

/// What of a peer's words of a service is believed: no more than it can know.
struct PeerClaims {
  /// The longest name of a selector and of a service, in bytes.
  static let longestName = 256
  static let longestService = 512
  /// The most replicas of a service that one word registers.
  static let mostReplicas = 10_000
  /// The most requests that it may have in flight at one replica.
  static let mostPerReplica = 1000
  /// The most that it may have in flight at a service for each of its replicas. What is more is scaled down, so that what
  /// it says of replicas in comparison still holds.
  static let meanPerReplica = 64
  /// More completions than these say no more about a replica's pace.
  private static let mostCompletions = 1e6
  /// The bounds of a pace: seconds that a request takes, and how many are worked on at a time.
  private static let paces = 1e-6...3600.0
  private static let concurrencies = 1.0...1e5

  /// The replicas that are there; what is said of others is not believed.
  var known: Set<String>
  private var said: [String: PeerKnowledge] = [:]
  private var total = 0

  /// Nothing is said yet of these replicas.
  init(of known: Set<String>) {
    self.known = known
  }

  /// Hears what is said of replicas.
  mutating func hear(_ replicas: some Sequence<PeerReplica>) {
    for replica in replicas where known.contains(replica.address) {
      let knowledge = replica.knowledge
      let claim = PeerKnowledge(
        inFlight: min(max(0, knowledge.inFlight), Self.mostPerReplica), pace: Self.pace(knowledge.pace))
      total += claim.inFlight - (said.updateValue(claim, forKey: replica.address)?.inFlight ?? 0)
    }
  }

  /// What is believed.
  var knowledge: [String: PeerKnowledge] {
    let most = Self.meanPerReplica * known.count
    guard total > most else { return said }
    return said.mapValues { PeerKnowledge(inFlight: $0.inFlight * most / total, pace: $0.pace) }
  }

  private static func pace(_ said: ServicePace?) -> ServicePace? {
    guard let said, said.completions > 0, paces.contains(said.seconds), concurrencies.contains(said.concurrency) else {
      return nil
    }
    return ServicePace(
      seconds: said.seconds, concurrency: said.concurrency, completions: min(said.completions, mostCompletions))
  }

  /// The replicas that a word registers, and until when.
  static func leases(
    _ registrations: some Sequence<PeerRegistration>, longest: Duration, at now: Moment
  ) -> [(replica: ServiceReplica, until: Moment)] {
    registrations.prefix(mostReplicas).compactMap { registration in
      guard registration.replica.fault == nil, registration.lifetime > .zero else { return nil }
      return (registration.replica.claimed, now + min(registration.lifetime, longest))
    }
  }
}
