public import Selection
public import SelectorProtocol
import SwiftProtobuf

/// What a peer said last.
struct PeerDigest: Sendable {
  var services: [String: [String: PeerKnowledge]]
  /// What comes there, by service.
  var arrivals: [String: PeerArrivals] = [:]
  var heard: Moment
}

extension Dispatcher {
  /// What was dispatched and learnt here, for other selectors.
  ///
  /// - Parameter selector: this selector's name, by which its own digests are recognized.
  public func digest(of selector: String, at now: Moment) -> Tonari_Selector_V1_Digest {
    var digest = Tonari_Selector_V1_Digest()
    digest.selector = selector
    digest.services = status(at: now).map { status in
      let leases = registrations(of: status.name)
      return .with { service in
        service.service = status.name
        service.replicas = status.replicas.map { ReplicaDigest($0, leases[$0.replica.address], at: now).message }
        guard let arrivals = self.service(status.name)?.arrivals else { return }
        service.arrivals = .with {
          $0.perMinute = arrivals.perMinute
          $0.receivedPerMinute = arrivals.receivedPerMinute
        }
      }
    }
    return digest
  }

  /// Takes in what another selector dispatched and learnt, in place of what it said before. Replicas that are registered
  /// there are there as long as they are registered there.
  public func hear(_ digest: Tonari_Selector_V1_Digest, at now: Moment) {
    var services: [String: [String: PeerKnowledge]] = [:]
    var arrivals: [String: PeerArrivals] = [:]
    for service in digest.services {
      if service.hasArrivals { arrivals[service.service] = PeerArrivals(service.arrivals) }
      var leases: [(replica: ServiceReplica, until: Moment)] = []
      for replica in service.replicas {
        let digest = ReplicaDigest(replica)
        services[service.service, default: [:]][replica.address] = digest.knowledge
        if let lease = digest.lease(at: now) { leases.append(lease) }
      }
      guard !leases.isEmpty else { continue }
      change(service.service, at: now) { members in
        leases.reduce(false) { $1.until > now && members.add([$1.replica], from: .peer, until: $1.until) || $0 }
      }
    }
    tellServices(PeerDigest(services: services, arrivals: arrivals, heard: now), from: digest.selector, at: now)
  }

  /// A peer is gone: what it had in flight is no longer there.
  public func forget(peer: String, at now: Moment) {
    tellServices(nil, from: peer, at: now)
  }
}

extension PeerArrivals {
  /// More requests than this a minute come nowhere.
  private static let most = 1e12

  /// What a message says; what cannot be counts as nothing.
  init(_ message: Tonari_Selector_V1_Arrivals) {
    func rate(_ value: Double) -> Double { value > 0 ? min(value, Self.most) : 0 }
    self.init(perMinute: rate(message.perMinute), receivedPerMinute: rate(message.receivedPerMinute))
  }
}

/// What is said of one replica.
private struct ReplicaDigest {
  var message: Tonari_Selector_V1_ReplicaDigest

  init(_ message: Tonari_Selector_V1_ReplicaDigest) {
    self.message = message
  }

  init(_ status: ReplicaStatus, _ until: Moment?, at now: Moment) {
    message = .with { message in
      message.address = status.replica.address
      message.inFlight = UInt32(clamping: status.view.inFlight)
      if let pace = status.view.pace {
        message.serviceTimeUs = pace.seconds * 1e6
        message.concurrency = pace.concurrency
        message.completions = pace.completions
      }
      guard let until else { return }
      message.registered = Tonari_Selector_V1_Replica(status.replica)
      message.lifetimeMs = UInt32(clamping: (until.nanoseconds - now.nanoseconds) / 1_000_000)
    }
  }

  var knowledge: PeerKnowledge {
    let pace = ServicePace(
      seconds: message.serviceTimeUs * 1e-6, concurrency: message.concurrency, completions: message.completions)
    return PeerKnowledge(inFlight: Int(message.inFlight), pace: message.completions > 0 ? pace : nil)
  }

  /// The replica as registered there, and until when; nil where it was not, or what is said cannot be.
  func lease(at now: Moment) -> (replica: ServiceReplica, until: Moment)? {
    guard message.hasRegistered, message.lifetimeMs > 0 else { return nil }
    let replica = ServiceReplica(message.registered)
    guard replica.fault == nil, replica.address == message.address else { return nil }
    let left = Int64(min(message.lifetimeMs, 86_400_000)) * 1_000_000
    return (replica, Moment(nanoseconds: now.nanoseconds &+ left))
  }
}
