package import Model
package import Overflow
import Synchronization

/// Picks replicas for the requests to many services, and knows which replicas there are.
///
/// It has no socket and no clock: servers ask it, and whoever calls says what time it is. Safe to use from any thread.
package final class Dispatcher: Sendable {
  private struct State {
    var directory = ServiceDirectory()
    var members: [String: Membership] = [:]
    /// Services that are there only because of registrations, or of what other selectors said.
    var registered = RegisteredNames()
    /// When which members' leases end.
    var leases = LeaseCalendar()
    /// Names that were refused, as there were too many.
    var refusedNames: UInt64 = 0
    /// How many replicas each caller has registered, over all services.
    var registrations: [Registrant: Int] = [:]
    /// Registrations that were refused, as their caller had too many.
    var refusedRegistrations: UInt64 = 0
    /// The services that have a replica, by its address.
    var having: [String: Set<String>] = [:]
    var peers = PeerTable()
    /// The services of which a connection registered replicas, by its number.
    var registrars: [UInt32: Set<String>] = [:]
    var nextOwner: UInt32 = 1
    /// Other names of services, by service, and the services by these.
    var aliases: [String: Set<String>] = [:]
    var aliased: [String: String] = [:]
    /// What replicas said of themselves lately, for services of which they are not known yet.
    var words = ReplicaWords()
    /// Policies of overflow by the service that they name.
    var overflows: [String: ServiceOverflow] = [:]
  }

  /// What can be set.
  package let options: DispatcherOptions
  private let state = Mutex(State())
  /// Changes of replicas are made one after the other, beside the picks.
  private let changing = Mutex(())
  private let version = Atomic<UInt64>(0)
  private let openPickCount: OpenPickCount

  /// Makes a dispatcher without services.
  package init(_ options: DispatcherOptions = DispatcherOptions()) {
    self.options = options
    openPickCount = OpenPickCount(limit: max(1, options.mostOpenPicks))
  }

  /// Picks that are not complete, over all services.
  package var openPicks: Int { openPickCount.value }

  /// Names of services that were refused, as there were too many.
  package var refusedNames: UInt64 { state.withLock { $0.refusedNames } }

  /// Registrations that were refused, as their caller had too many.
  package var refusedRegistrations: UInt64 { state.withLock { $0.refusedRegistrations } }

  /// Grows when services come or go, so that a server may keep a ``directory`` as long as it stays the same.
  package var directoryVersion: UInt64 { version.load(ordering: .acquiring) }

  /// The services there are.
  package var directory: ServiceDirectory {
    state.withLock { $0.directory }
  }

  /// A number for somebody who asks, for ``DispatchedService/abandon(owner:at:)``; never 0.
  package func newOwner() -> UInt32 {
    state.withLock { state in
      defer { state.nextOwner = state.nextOwner == .max ? 1 : state.nextOwner + 1 }
      return state.nextOwner
    }
  }

  /// A service; nil where there is none of this name.
  package func service(_ name: String) -> DispatchedService? { state.withLock { $0.directory[name] } }

  /// A service by its own name.
  package func service(named name: String) -> DispatchedService? {
    state.withLock { $0.directory.service(named: name) }
  }

  /// All there is to know, by service.
  package func status(at now: Moment) -> [ServiceStatus] {
    let services = directory.all.sorted { $0.name < $1.name }
    return services.map { $0.status(at: now) }
  }

  /// Takes all open picks of somebody who is gone as cancelled, and lets what they registered stay no longer than
  /// ``DispatcherOptions/registrationGrace``.
  ///
  /// - Parameter services: those that they picked from; nil where that is not known.
  package func abandon(owner: UInt32, of services: PickedServices? = nil, at now: Moment) {
    let directory = directory
    for service in services?.services(in: directory) ?? Array(directory.all) {
      service.abandon(owner: owner, at: now)
    }
    release(owner: owner, at: now)
  }

  /// Lets what a connection registered go soon, unless it is registered again.
  func release(owner: UInt32, at now: Moment) {
    guard owner != 0 else { return }
    let until = now + options.registrationGrace
    for name in state.withLock({ $0.registrars.removeValue(forKey: owner) }) ?? [] {
      change(name, at: now) {
        $0.release(owner: owner, until: until)
        return false
      }
    }
  }

  /// Lets go of what was not completed or registered again in time. To be called several times a second.
  package func expire(at now: Moment) {
    for service in directory.all { service.expire(at: now) }
    planOverflow(at: now)
    for name in state.withLock({ $0.leases.takeDue(at: now) }) { change(name, at: now) { $0.expire(at: now) } }
    forgetSilentPeers(at: now)
    state.withLock { $0.words.expire(at: now) }
  }
}

// MARK: - Replicas

extension Dispatcher {
  /// Takes all that a source names for a service for what it named before.
  package func set(_ replicas: [ServiceReplica], of service: String, from source: ReplicaSource, at now: Moment) {
    change(service, at: now) { $0.set(replicas, from: source) }
  }

  /// Takes all that a source names, by service, for what it named before.
  package func set(_ services: [String: [ServiceReplica]], from source: ReplicaSource, at now: Moment) {
    let known = state.withLock { $0.members.filter { !$0.value.named(by: source).isEmpty }.map(\.key) }
    for name in known where services[name] == nil { set([], of: name, from: source, at: now) }
    for (name, replicas) in services { set(replicas, of: name, from: source, at: now) }
  }

  /// Lets a service be asked for by other names, in place of those that it had. Where a file or Kubernetes names a service that
  /// has one of them for its own, that one is meant.
  package func set(aliases: Set<String>, of name: String) {
    changing.withLock { _ in
      let before = state.withLock { state in
        let before = state.aliases[name] ?? []
        for alias in before where state.aliased[alias] == name { state.aliased[alias] = nil }
        for alias in aliases { state.aliased[alias] = name }
        state.aliases[name] = aliases.isEmpty ? nil : aliases
        return before
      }
      guard before != aliases, let service = state.withLock({ $0.directory.service(named: name) }) else { return }
      changeDirectory { $0.set(aliases: aliases, for: before, of: service) }
    }
  }

  /// The own name of a service, whichever of its names it is called by.
  func ownName(of service: String) -> String {
    state.withLock { state in
      guard let own = state.aliased[service] else { return service }
      return state.members[service] == nil || state.registered.contains(service) ? own : service
    }
  }

  /// The addresses of a service's replicas that some sources name.
  package func addresses(of service: String, from sources: Set<ReplicaSource>) -> Set<String> {
    guard let members = state.withLock({ $0.members[service] }) else { return [] }
    return sources.reduce(into: []) { $0.formUnion(members.named(by: $1).keys) }
  }

  /// Adds replicas to a service for a time, or changes those that are there. Answers whether they are
  /// there.
  ///
  /// - Parameters:
  ///   - owner: whose connection registers them, with which they go; 0 for none that ends.
  ///   - registrant: for whose they count; nil for nobody's.
  @discardableResult
  package func register(
    _ replicas: [ServiceReplica], of service: String, lifetime: Duration, from source: ReplicaSource = .registration,
    owner: UInt32 = 0, by registrant: Registrant? = nil, at now: Moment
  ) -> RegistrationStatus {
    let service = ownName(of: service)
    let until = now + lifetime
    var isOverdrawn = false
    let status = change(service, at: now, by: registrant) { members in
      if let registrant {
        let more = members.new(replicas, of: registrant)
        isOverdrawn = state.withLock { state in
          guard more > 0, (state.registrations[registrant] ?? 0) + more > options.mostRegistrationsOfCaller else {
            return false
          }
          state.refusedRegistrations &+= 1
          return true
        }
        guard !isOverdrawn else { return false }
      }
      return members.add(replicas, from: source, until: until, owner: owner, by: registrant)
    }
    guard !isOverdrawn else { return .tooManyOfCaller }
    guard status == .taken else { return status }
    note(registrar: owner, of: service)
    return .taken
  }

  /// Notes that a connection registers replicas of a service.
  func note(registrar owner: UInt32, of service: String) {
    guard owner != 0 else { return }
    state.withLock { state in
      state.registrars[owner, default: []].insert(service)
      // Most of so many are not there any more.
      guard let services = state.registrars[owner], services.count > 2 * options.mostRegisteredServices else { return }
      state.registrars[owner] = services.filter { state.members[$0] != nil }
    }
  }

  /// Takes registered replicas away, or lets them finish what they have until their time is over.
  package func deregister(_ addresses: [String], of service: String, drains: Bool, at now: Moment) {
    change(ownName(of: service), at: now) { $0.remove(addresses, from: .registration, drains: drains) }
  }

  /// Hears of a replica's state in all services that have it; nil is the one that its source names. Answers how many
  /// services have it.
  ///
  /// - Parameter cluster: the cluster that it is in; one whose source names none is in the own cluster, and in any where nobody
  ///   says which that is. Nil for any.
  @discardableResult
  package func set(_ replicaState: ReplicaState?, of address: String, in cluster: String? = nil, at now: Moment) -> Int
  {
    let having = state.withLock { names(having: address, in: cluster, $0) }
    for name in having { change(name, at: now) { $0.set(replicaState, of: address) } }
    return having.count
  }

  /// Hears what a replica says of itself, for all services that have it, or will as long as its word holds: whoever tells of
  /// a replica may be slower than itself.
  package func hear(_ word: ReplicaWord, of address: String, in cluster: String, at now: Moment) {
    state.withLock { $0.words.note(word, of: address, in: cluster, isOwn: mayBeOwn(cluster), at: now) }
    set(word.state, of: address, in: cluster, at: now)
    if let load = word.load { report(load, of: address, in: cluster, at: word.said) }
  }

  /// Learns what a replica says of its load in all services that have it. Answers how many there are.
  ///
  /// - Parameter cluster: the cluster that it is in; one whose source names none is in the own cluster, and in any where nobody
  ///   says which that is. Nil for any.
  @discardableResult
  package func report(_ load: LoadReport, of address: String, in cluster: String? = nil, at now: Moment) -> Int {
    let having = state.withLock { state in
      names(having: address, in: cluster, state).compactMap { state.directory.service(named: $0) }
    }
    return having.count { $0.report(load, of: address, in: cluster, at: now) }
  }

  /// Learns how requests ended that others sent to a replica, without asking here, since the last time: all services that
  /// have it leave it out for a while where it fails much.
  package func note(successes: Int, failures: Int, of address: String, at now: Moment) {
    guard successes > 0 || failures > 0 else { return }
    for service in services(having: address) {
      service.note(successes: successes, failures: failures, of: address, at: now)
    }
  }

  /// The services that have a replica, as one of a cluster.
  private func names(having address: String, in cluster: String?, _ state: State) -> [String] {
    let isOwn = cluster.map(mayBeOwn) ?? true
    return (state.having[address] ?? []).filter {
      state.members[$0]?.contains(address, in: cluster, isOwn: isOwn) == true
    }
  }

  /// Whether a cluster is the own one, or nobody says which that is.
  private func mayBeOwn(_ cluster: String) -> Bool {
    let own = options.place
    let named = [cluster, ""].map { Place(node: nil, cluster: $0) }
    return own == .unknown || named.contains { own.tier(of: $0) == .cluster }
  }

  /// How often a replica was picked here since it joined, over all services that have it.
  package func picks(of address: String) -> UInt64 {
    services(having: address).reduce(0) { $0 &+ $1.picks(of: address) }
  }

  private func services(having address: String) -> [DispatchedService] {
    state.withLock { state in
      state.having[address].map { $0.compactMap { state.directory.service(named: $0) } } ?? []
    }
  }

  /// Changes who belongs to a service, which comes with its first replica and goes with its last. Answers why it is not
  /// taken where it would come and there are too many.
  ///
  /// - Parameter registrant: whose it is where only registrations name it; nil for nobody's.
  @discardableResult
  func change(
    _ name: String, at now: Moment, by registrant: Registrant? = nil, _ change: (inout Membership) -> Bool
  ) -> RegistrationStatus {
    changing.withLock { _ in
      var members = state.withLock { $0.members[name] } ?? Membership()
      let before = members
      let changes = change(&members)
      let words = changes ? said(of: members.names.subtracting(before.names), in: members, at: now) : []
      for (address, _, word) in words { _ = members.set(word.state, of: address, until: word.until) }
      let status = state.withLock { state in
        let isNew = state.directory.service(named: name) == nil && !members.isEmpty
        let status = isNew ? room(for: members, by: registrant, state) : .taken
        guard status == .taken else {
          state.refusedNames &+= 1
          return status
        }
        // Gateways of a policy for another name stay with what somebody registered no longer than that does.
        if members.hasGatewaysAlone, state.registered.contains(name), state.overflows[name] == nil {
          members = Membership()
        }
        state.members[name] = members.isEmpty ? nil : members
        if members.isRegisteredAlone {
          state.registered.insert(name, by: registrant)
        } else if !members.hasGatewaysAlone {
          // A policy's own service keeps its gateways when all others go, and is still one that somebody registered.
          state.registered.remove(name)
        }
        if before.held != members.held {
          for (registrant, count) in before.held { state.registrations[registrant, default: 0] -= count }
          for (registrant, count) in members.held { state.registrations[registrant, default: 0] += count }
          for registrant in before.held.keys where state.registrations[registrant] == 0 {
            state.registrations[registrant] = nil
          }
        }
        state.leases.set(members.isEmpty ? nil : members.nextExpiry, of: name)
        return .taken
      }
      guard status == .taken, changes else { return status }
      let (known, isRegistered) = state.withLock { ($0.directory.service(named: name), $0.registered.contains(name)) }
      let service = known ?? (members.isEmpty ? nil : makeService(name, isRegistered: isRegistered, at: now))
      if !members.isEmpty, let was = state.withLock({ $0.directory.isRegistered(name) }), was != isRegistered {
        changeDirectory { $0.set(isRegistered: isRegistered, of: name) }
      }
      if known == nil, let service, let overflow = overflow(of: name) {
        // The gateways come with the service, and stay when all others go.
        if members.set(overflow.gateways, from: .overflow) { state.withLock { $0.members[name] = members } }
        service.set(overflow, at: now)
      }
      service?.replace(with: members.replicas, at: now)
      for (address, cluster, word) in words {
        if let load = word.load { _ = service?.report(load, of: address, in: cluster, at: word.said) }
      }
      let (gone, come) = (before.names.subtracting(members.names), members.names.subtracting(before.names))
      state.withLock { state in
        for address in gone {
          state.having[address]?.remove(name)
          guard state.having[address]?.isEmpty == true else { continue }
          state.having[address] = nil
          // Who has the address next is somebody else.
          state.words.forget(address)
        }
        for address in come { state.having[address, default: []].insert(name) }
      }
      guard members.isEmpty, let service else { return .taken }
      let aliases = state.withLock { $0.aliases[name] ?? [] }
      changeDirectory {
        $0.remove(service)
        $0.set(aliases: [], for: aliases, of: service)
      }
      return .taken
    }
  }

  /// What replicas that come to a service said before.
  private func said(
    of addresses: Set<String>, in members: Membership, at now: Moment
  ) -> [(address: String, cluster: String, word: ReplicaWord)] {
    guard !addresses.isEmpty else { return [] }
    return state.withLock { state in
      guard state.words.count > 0 else { return [] }
      return addresses.flatMap { address in
        state.words.said(of: address, at: now).compactMap { cluster, word in
          guard members.contains(address, in: cluster, isOwn: mayBeOwn(cluster)) else { return nil }
          return (address, cluster, word)
        }
      }
    }
  }

  /// Whether one more service may come. What files and Kubernetes name is known to be there; who registers may say
  /// anything.
  private func room(
    for members: Membership, by registrant: Registrant?, _ state: borrowing State
  ) -> RegistrationStatus {
    guard state.directory.count < options.mostServices else { return .tooManyServices }
    guard members.isRegisteredAlone else { return .taken }
    if let registrant, state.registered.count(by: registrant) >= options.mostRegisteredServicesOfCaller {
      return .tooManyServicesOfCaller
    }
    return state.registered.count < options.mostRegisteredServices ? .taken : .tooManyServices
  }

  private func makeService(_ name: String, isRegistered: Bool, at now: Moment) -> DispatchedService? {
    guard let number = state.withLock({ $0.directory.nextNumber }) else { return nil }
    let service = options.policy.service(
      name: name, number: number, options: options, openPicks: openPickCount, at: now)
    let aliases = state.withLock { $0.aliases[name] ?? [] }
    changeDirectory {
      $0.add(service, isRegistered: isRegistered)
      $0.set(aliases: aliases, for: [], of: service)
    }
    return service
  }

  private func changeDirectory(_ change: (inout ServiceDirectory) -> Void) {
    state.withLock { state in
      change(&state.directory)
      state.directory.version = version.add(1, ordering: .releasing).newValue
    }
  }
}

// MARK: - Overflow

extension Dispatcher {
  /// Takes policies of overflow, by the service that each is for, for those that there were before. One for
  /// `namespace/name` is for the service of this name, and for each of `namespace/name:port`.
  package func set(_ overflows: [String: ServiceOverflow], at now: Moment) {
    let before = state.withLock { state in
      defer { state.overflows = overflows }
      return state.overflows
    }
    for name in Set(before.keys).union(overflows.keys) where before[name] != overflows[name] {
      let overflow = overflows[name]
      var services = directory.all.map(\.name).filter { ServiceDirectory.base(of: $0) == name || $0 == name }
      // A service of which no replica is known here may have gateways all the same.
      if services.isEmpty, overflow?.gateways.isEmpty == false { services = [name] }
      for service in services {
        let known = state.withLock { $0.directory.service(named: service) }
        known?.set(overflow, at: now)
        change(service, at: now) { members in
          let changes = members.set(overflow?.gateways ?? [], from: .overflow)
          // Replicas that name no cluster may be in another one now.
          return changes || known != nil
        }
      }
    }
  }

  /// Hears what room a cluster has for a service; nil for nothing that is known any more.
  ///
  /// - Parameter service: `namespace/name`, without a port.
  package func hear(_ headroom: Headroom?, of cluster: String, service name: String, at now: Moment) {
    for service in directory.all where service.name == name || ServiceDirectory.base(of: service.name) == name {
      _ = service.hear(headroom, of: cluster, at: now)
    }
  }

  /// The policy for a service; nil where there is none.
  func overflow(of service: String) -> ServiceOverflow? {
    state.withLock { $0.overflows[service] ?? $0.overflows[ServiceDirectory.base(of: service)] }
  }

  /// How it stands with the services that have a policy of overflow, by name.
  package func overflows(at now: Moment) -> [String: OverflowStatus] {
    let names = state.withLock { $0.overflows }
    guard !names.isEmpty else { return [:] }
    return directory.all.reduce(into: [:]) { statuses, service in
      guard names[service.name] != nil || names[ServiceDirectory.base(of: service.name)] != nil else { return }
      statuses[service.name] = service.overflowStatus(at: now)
    }
  }

  /// Whether a selector speaks for its cluster: of those that hear each other the one with the least name.
  package func speaks(as selector: String) -> Bool {
    state.withLock { $0.peers.names.allSatisfy { $0 >= selector } }
  }

  /// Counts anew and plans, where it is time. What a policy says that a service bears, all its ports bear together, here and
  /// at other selectors of the cluster.
  func planOverflow(at now: Moment) {
    let overflows = state.withLock { $0.overflows }
    guard !overflows.isEmpty else { return }
    let services = directory.all.compactMap { service in service.arrivals(at: now).map { (service, $0) } }
    guard services.contains(where: { $0.1.isDue }) else { return }
    func policyName(of service: String) -> String? {
      if overflows[service] != nil { return service }
      let base = ServiceDirectory.base(of: service)
      return overflows[base] == nil ? nil : base
    }
    var together: [String: PeerArrivals] = [:]
    var due: [(service: DispatchedService, policy: String, arrivals: PeerArrivals)] = []
    for (service, standing) in services {
      guard let policy = policyName(of: service.name) else { continue }
      together[policy, default: PeerArrivals()].add(standing.arrivals)
      if standing.isDue { due.append((service, policy, standing.arrivals)) }
    }
    var peers: [String: [PeerArrivals]] = [:]
    for digest in state.withLock({ $0.peers.digests.map(\.arrivals) }) {
      var said: [String: PeerArrivals] = [:]
      for (name, arrivals) in digest {
        if let policy = policyName(of: name) { said[policy, default: PeerArrivals()].add(arrivals) }
      }
      for (policy, arrivals) in said { peers[policy, default: []].append(arrivals) }
    }
    for (service, policy, arrivals) in due {
      let siblings = (together[policy] ?? arrivals).without(arrivals)
      service.planOverflow(peers: peers[policy] ?? [], siblings: siblings, at: now)
    }
  }
}

// MARK: - What peers and registrations need

extension Dispatcher {
  /// Until when a service's registered replicas stay, by address.
  package func registrations(of service: String) -> [String: Moment] {
    state.withLock { $0.members[service]?.named(by: .registration).compactMapValues(\.until) } ?? [:]
  }

  /// Calls a function with what is known of peers.
  func withPeers<Result>(_ use: (inout PeerTable) -> Result) -> Result { state.withLock { use(&$0.peers) } }

  /// The replicas of a service that any source names; none where there is no such service.
  func addresses(of service: String) -> Set<String> { state.withLock { $0.members[service]?.names } ?? [] }

  /// Tells services what all peers say together, where one of them said something else before.
  func tellServices(_ digest: PeerDigest?, after before: PeerDigest?, at now: Moment) {
    let peers = withPeers { Array($0.digests) }
    for name in Set(before?.services.keys ?? [:].keys).union(digest?.services.keys ?? [:].keys) {
      guard let service = service(named: name) else { continue }
      var together: [String: PeerKnowledge] = before?.services[name]?.mapValues { _ in PeerKnowledge() } ?? [:]
      for peer in peers {
        for (address, knowledge) in peer.services[name] ?? [:] {
          together[address, default: PeerKnowledge()].add(knowledge)
        }
      }
      service.hear(together, at: now)
    }
  }

  private func forgetSilentPeers(at now: Moment) {
    let lifetime = options.peerLifetime.wholeNanoseconds
    let silent = withPeers { peers in
      peers.names.filter { now.nanoseconds - (peers[$0]?.heard.nanoseconds ?? 0) > lifetime }
    }
    for peer in silent { forget(peer: peer, at: now) }
  }
}
