import Selection
import SelectorProtocol

/// What of a peer's words is believed: no more than it can know.
enum PeerClaims {
  /// The longest name of a selector and of a service, in bytes.
  static let longestName = 256
  static let longestService = 512
  /// The most replicas of a service that one digest registers.
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

  /// What is known of replicas that are there.
  static func knowledge(
    _ replicas: [Tonari_Selector_V1_ReplicaDigest], of known: Set<String>
  ) -> [String: PeerKnowledge] {
    var knowledge: [String: PeerKnowledge] = [:]
    var total = 0
    for replica in replicas where known.contains(replica.address) {
      let claim = PeerKnowledge(inFlight: min(Int(clamping: replica.inFlight), mostPerReplica), pace: pace(replica))
      total += claim.inFlight - (knowledge.updateValue(claim, forKey: replica.address)?.inFlight ?? 0)
    }
    let most = meanPerReplica * known.count
    guard total > most else { return knowledge }
    return knowledge.mapValues { PeerKnowledge(inFlight: $0.inFlight * most / total, pace: $0.pace) }
  }

  private static func pace(_ replica: Tonari_Selector_V1_ReplicaDigest) -> ServicePace? {
    let seconds = replica.serviceTimeUs * 1e-6
    guard replica.completions > 0, paces.contains(seconds), concurrencies.contains(replica.concurrency) else {
      return nil
    }
    return ServicePace(
      seconds: seconds, concurrency: replica.concurrency, completions: min(replica.completions, mostCompletions))
  }

  /// The replica as registered there, and until when; nil where it was not, or what is said cannot be.
  static func lease(
    _ message: Tonari_Selector_V1_ReplicaDigest, longest: Duration, at now: Moment
  ) -> (replica: ServiceReplica, until: Moment)? {
    guard message.hasRegistered, message.lifetimeMs > 0 else { return nil }
    let replica = ServiceReplica(message.registered)
    guard replica.fault == nil, replica.address == message.address else { return nil }
    let left = min(Duration.milliseconds(Int64(message.lifetimeMs)), longest)
    return (replica.claimed, now + left)
  }
}
