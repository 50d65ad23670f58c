import Model

/// The replicas of one service as its sources name them.
struct Membership: Sendable {
  /// A replica that stays for a time.
  struct Lease: Sendable {
    var replica: ServiceReplica
    /// Until when; nil for as long as its source says so.
    var until: Moment?
    /// Whose connection named it last; 0 for none that ends.
    var owner: UInt32 = 0
    /// Whose registration it is; nil for what counts for nobody.
    var registrant: Registrant?
  }

  /// A state that a replica said of itself.
  private struct SaidState: Sendable {
    var state: ReplicaState
    /// Until when it counts; nil for as long as nothing else is said.
    var until: Moment?
  }

  private var sources: [[String: Lease]] = ReplicaSource.allCases.map { _ in [:] }
  /// States that replicas said of themselves, or their last will did.
  private var states: [String: SaidState] = [:]
  /// The addresses of replicas by other addresses that they have.
  private var aliases: [String: String] = [:]
  /// How many leases each registrant has.
  private(set) var held: [Registrant: Int] = [:]
  /// No lease, and no state that was said for a time, ends before.
  private(set) var nextExpiry = Moment(nanoseconds: .max)

  /// Whether no source names any.
  var isEmpty: Bool { sources.allSatisfy { $0.isEmpty } }

  /// Whether only registrations and other selectors name any; gateways that a policy adds change nothing about that.
  var isRegisteredAlone: Bool {
    isNamed(by: [.registration, .peer]) && !isNamed(by: [.file, .kubernetes])
  }

  /// Whether there are only the gateways that a policy adds.
  var hasGatewaysAlone: Bool { isNamed(by: [.overflow]) && !isNamed(by: [.file, .kubernetes, .registration, .peer]) }

  private func isNamed(by some: [ReplicaSource]) -> Bool { some.contains { !sources[$0.rawValue].isEmpty } }

  /// The replicas, by address.
  var replicas: [ServiceReplica] {
    var all: [String: ServiceReplica] = [:]
    for source in sources {
      for (address, lease) in source where all[address] == nil { all[address] = lease.replica }
    }
    for (address, said) in states { all[address]?.state = said.state }
    return all.values.filter { $0.state != .gone }.sorted { $0.address < $1.address }
  }

  /// The addresses that any source names.
  var addresses: Set<String> { sources.reduce(into: []) { $0.formUnion($1.keys) } }

  /// The addresses that any source names, and others of the same replicas.
  var names: Set<String> { aliases.isEmpty ? addresses : addresses.union(aliases.keys) }

  /// What a source names, by address.
  func named(by source: ReplicaSource) -> [String: Lease] { sources[source.rawValue] }

  /// Whether a source names an address; where a cluster is asked for, whether the one that counts has it there.
  ///
  /// - Parameter isOwn: whether replicas that name no cluster are in that one.
  func contains(_ address: String, in cluster: String? = nil, isOwn: Bool = true) -> Bool {
    let address = aliases[address] ?? address
    guard let replica = sources.lazy.compactMap({ $0[address]?.replica }).first else { return false }
    guard let cluster else { return true }
    return replica.cluster.isEmpty ? isOwn : replica.cluster == cluster
  }

  /// Takes all that a source names for what it named before. Answers whether that changes anything.
  mutating func set(_ replicas: [ServiceReplica], from source: ReplicaSource) -> Bool {
    let wanted = Dictionary(replicas.map { ($0.address, Lease(replica: $0, until: nil)) }) { _, later in later }
    let known = sources[source.rawValue]
    for lease in known.values { count(from: lease.registrant, to: nil) }
    sources[source.rawValue] = wanted
    findAliases()
    states = states.filter { contains($0.key) }
    return wanted.mapValues(\.replica) != known.mapValues(\.replica)
  }

  /// Adds replicas, or changes them. Answers whether that changes anything but their leases.
  ///
  /// - Parameters:
  ///   - owner: whose connection names them; 0 for none that ends.
  ///   - registrant: whose registrations they are; nil for what counts for nobody.
  mutating func add(
    _ replicas: [ServiceReplica], from source: ReplicaSource, until: Moment, owner: UInt32 = 0,
    by registrant: Registrant? = nil
  ) -> Bool {
    var changes = false
    for replica in replicas {
      let known = sources[source.rawValue].updateValue(
        Lease(replica: replica, until: until, owner: owner, registrant: registrant), forKey: replica.address)
      count(from: known?.registrant, to: registrant)
      let hadState = states.removeValue(forKey: replica.address) != nil
      changes = changes || hadState || known?.replica != replica
    }
    nextExpiry = min(nextExpiry, until)
    return changes
  }

  private mutating func findAliases() {
    let addresses = addresses
    aliases = [:]
    for lease in sources.lazy.flatMap(\.values) {
      for alias in lease.replica.aliases where !addresses.contains(alias) { aliases[alias] = lease.replica.address }
    }
  }

  /// How many more leases a registrant would have with some replicas.
  func new(_ replicas: [ServiceReplica], of registrant: Registrant) -> Int {
    let known = sources[ReplicaSource.registration.rawValue]
    return Set(replicas.map(\.address)).count { known[$0]?.registrant != registrant }
  }

  private mutating func count(from before: Registrant?, to after: Registrant?) {
    guard before != after else { return }
    if let before, let count = held[before] { held[before] = count > 1 ? count - 1 : nil }
    if let after { held[after, default: 0] += 1 }
  }

  /// Takes replicas of a source away, or lets them finish. Answers whether that changes anything.
  mutating func remove(_ addresses: [String], from source: ReplicaSource, drains: Bool) -> Bool {
    var changes = false
    for address in addresses {
      guard var lease = sources[source.rawValue][address] else { continue }
      lease.replica.state = .draining
      sources[source.rawValue][address] = drains ? lease : nil
      if !drains {
        count(from: lease.registrant, to: nil)
        states[address] = nil
      }
      changes = true
    }
    return changes
  }

  /// Lets what a connection named, and nobody renewed, stay no longer than to a time.
  mutating func release(owner: UInt32, until: Moment) {
    for source in sources.indices {
      for (address, lease) in sources[source] where lease.owner == owner {
        sources[source][address]?.until = min(lease.until ?? .init(nanoseconds: .max), until)
        nextExpiry = min(nextExpiry, until)
      }
    }
  }

  /// Hears of a replica's state; nil is the one that its source names. Answers whether that changes anything.
  ///
  /// - Parameter until: until when it counts; nil for as long as nothing else is said.
  mutating func set(_ state: ReplicaState?, of address: String, until: Moment? = nil) -> Bool {
    let address = aliases[address] ?? address
    guard contains(address) else { return false }
    let before = states.removeValue(forKey: address)
    if let state {
      states[address] = SaidState(state: state, until: until)
      if let until { nextExpiry = min(nextExpiry, until) }
    }
    return before?.state != state
  }

  /// Takes away those whose leases are over, and what was said of states for a time that is. Answers whether there was any.
  mutating func expire(at now: Moment) -> Bool {
    guard now >= nextExpiry else { return false }
    var changes = false
    nextExpiry = Moment(nanoseconds: .max)
    for (address, said) in states {
      guard let until = said.until else { continue }
      if until <= now {
        states[address] = nil
        changes = true
      } else {
        nextExpiry = min(nextExpiry, until)
      }
    }
    for source in sources.indices {
      for (address, lease) in sources[source] {
        guard let until = lease.until else { continue }
        if until <= now {
          sources[source][address] = nil
          count(from: lease.registrant, to: nil)
          changes = true
        } else {
          nextExpiry = min(nextExpiry, until)
        }
      }
    }
    return changes
  }
}
