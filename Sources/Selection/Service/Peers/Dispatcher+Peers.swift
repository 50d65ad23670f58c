package import Model
import Overflow

extension Dispatcher {
  /// Takes in what another selector dispatched and learnt, in place of what it said before, as far as it can know it:
  /// of services and replicas that are there, and no more in flight than it may claim (``PeerClaims``). Replicas that are
  /// registered there are there as long as it says so, and somewhat longer, for services for which the link may say so.
  ///
  /// - Parameter selector: the name that it gives itself.
  ///
  /// Answers whether it may speak under its name.
  @discardableResult
  package func hear<Registrations, Replicas>(
    _ words: some Sequence<PeerWord<Registrations, Replicas>>, of selector: String, from link: PeerLink, at now: Moment
  ) -> Bool {
    guard selector.utf8.count <= PeerClaims.longestName,
      withPeers({ $0.admits(selector, on: link, most: options.mostPeers) })
    else { return false }
    var claims: [String: PeerClaims] = [:]
    var arrivals: [String: PeerArrivals] = [:]
    for word in words {
      // It may be called otherwise there.
      let name = ownName(of: word.service)
      let leases = leases(in: word, of: name, from: link, at: now)
      if !leases.isEmpty {
        change(name, at: now, by: link.registrant) { members in
          leases.reduce(false) { members.add([$1.replica], from: .peer, until: $1.until, owner: link.number) || $0 }
        }
        note(registrar: link.number, of: name)
      }
      if claims[name] == nil || !leases.isEmpty {
        let known = addresses(of: name)
        guard !known.isEmpty else { continue }
        claims[name, default: PeerClaims(of: known)].known = known
      }
      claims[name]?.hear(word.replicas)
      guard let said = word.arrivals, link.isTrusted else { continue }
      arrivals[name, default: PeerArrivals()].add(said)
    }
    let heard = PeerDigest(services: claims.mapValues(\.knowledge), arrivals: arrivals, heard: now)
    let before = withPeers { $0.set(heard, of: selector, on: link) }
    tellServices(heard, after: before, at: now)
    return true
  }

  /// What a word registers, where the link may say so of the service, by its own name and by the one that is said.
  private func leases<Registrations, Replicas>(
    in word: PeerWord<Registrations, Replicas>, of name: String, from link: PeerLink, at now: Moment
  ) -> [(replica: ServiceReplica, until: Moment)] {
    guard !word.service.isEmpty, word.service.utf8.count <= PeerClaims.longestService,
      link.rights.map({ $0.allows(.exchange, for: word.service) && $0.allows(.exchange, for: name) }) ?? true
    else { return [] }
    return PeerClaims.leases(word.registrations, longest: options.registrationLifetime, at: now)
  }

  /// A link has ended. Where the peer is heard on no other, what it had in flight is no longer there, and what was
  /// registered with it goes soon.
  package func forget(_ link: PeerLink, at now: Moment) {
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
  package var refusedDigests: UInt64 { withPeers { $0.refused } }
}
