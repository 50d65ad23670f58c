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
        service.replicas = status.replicas.map {
          Tonari_Selector_V1_ReplicaDigest($0, leases[$0.replica.address], at: now)
        }
        guard let arrivals = self.service(named: status.name)?.arrivals else { return }
        service.arrivals = .with {
          $0.perMinute = arrivals.perMinute
          $0.receivedPerMinute = arrivals.receivedPerMinute
        }
      }
    }
    return digest
  }

  /// Takes in what another selector dispatched and learnt, in place of what it said before, as far as it can know it:
  /// of services and replicas that are there, and no more in flight than it may claim (``PeerClaims``). Replicas that are
  /// registered there are there as long as it says so, and somewhat longer, for services for which the link may say so.
  ///
  /// Answers whether it may speak under its name.
  @discardableResult
  public func hear(_ digest: Tonari_Selector_V1_Digest, from link: PeerLink, at now: Moment) -> Bool {
    guard digest.selector.utf8.count <= PeerClaims.longestName,
      withPeers({ $0.admits(digest.selector, on: link, most: options.mostPeers) })
    else { return false }
    var replicas: [String: [Tonari_Selector_V1_ReplicaDigest]] = [:]
    var arrivals: [String: PeerArrivals] = [:]
    for service in digest.services {
      let leases = leases(in: service, from: link, at: now)
      // It may be called otherwise there.
      let name = ownName(of: service.service)
      if !leases.isEmpty {
        change(name, at: now, by: link.registrant) { members in
          leases.reduce(false) { members.add([$1.replica], from: .peer, until: $1.until, owner: link.number) || $0 }
        }
        note(registrar: link.number, of: name)
      }
      guard !addresses(of: name).isEmpty else { continue }
      replicas[name, default: []] += service.replicas
      guard service.hasArrivals, link.isTrusted else { continue }
      arrivals[name, default: PeerArrivals()].add(PeerArrivals(service.arrivals))
    }
    var services: [String: [String: PeerKnowledge]] = [:]
    for (name, replicas) in replicas { services[name] = PeerClaims.knowledge(replicas, of: addresses(of: name)) }
    let heard = PeerDigest(services: services, arrivals: arrivals, heard: now)
    let before = withPeers { $0.set(heard, of: digest.selector, on: link) }
    tellServices(heard, after: before, at: now)
    return true
  }

  /// Takes in what a selector of this process says.
  package func hear(_ digest: Tonari_Selector_V1_Digest, at now: Moment) { hear(digest, from: .inProcess, at: now) }

  private func leases(
    in service: Tonari_Selector_V1_ServiceDigest, from link: PeerLink, at now: Moment
  ) -> [(replica: ServiceReplica, until: Moment)] {
    guard service.replicas.contains(where: \.hasRegistered), !service.service.isEmpty,
      service.service.utf8.count <= PeerClaims.longestService,
      link.rights?.allows(.exchange, for: service.service) ?? true
    else { return [] }
    return service.replicas.prefix(PeerClaims.mostReplicas).compactMap {
      PeerClaims.lease($0, longest: options.registrationLifetime, at: now)
    }
  }

  /// A link has ended. Where the peer is heard on no other, what it had in flight is no longer there, and what was
  /// registered with it goes soon.
  public func forget(_ link: PeerLink, at now: Moment) {
    if let name = withPeers({ $0.end(link.number) }) { forget(peer: name, at: now) }
    release(owner: link.number, at: now)
  }

  /// A peer is gone.
  package func forget(peer: String, at now: Moment) {
    guard let gone = withPeers({ $0.remove(peer) }) else { return }
    tellServices(nil, after: gone.digest, at: now)
    for link in gone.links { release(owner: link, at: now) }
  }

  /// How often somebody spoke under the name of another peer.
  public var refusedDigests: UInt64 { withPeers { $0.refused } }
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

extension Tonari_Selector_V1_ReplicaDigest {
  /// What is said of a replica.
  fileprivate init(_ status: ReplicaStatus, _ until: Moment?, at now: Moment) {
    self.init()
    address = status.replica.address
    inFlight = UInt32(clamping: status.view.inFlight)
    if let pace = status.view.pace {
      serviceTimeUs = pace.seconds * 1e6
      concurrency = pace.concurrency
      completions = pace.completions
    }
    guard let until else { return }
    registered = Tonari_Selector_V1_Replica(status.replica)
    lifetimeMs = UInt32(clamping: (until.nanoseconds - now.nanoseconds) / 1_000_000)
  }
}
