import Topology

/// Picks the replica that gets a request, from what it knows of the replicas of one service right now.
///
/// A value without a clock: the same calls with the same times and the same seed give the same picks. A pick allocates
/// nothing, but for the first with a key.
public struct ReplicaSelector<Policy: SelectionPolicy>: Sendable {
  /// The replicas and their load.
  public private(set) var table: ReplicaTable
  /// Which of the candidates gets a request.
  public private(set) var policy: Policy
  private let options: SelectorOptions
  private var ejection: OutlierEjection
  /// There from the first request with a key on: without keys, changes of the table are spared the work.
  private var ring: HashRing?
  private var generator: SeededGenerator

  /// Makes a selector without replicas.
  public init(_ policy: Policy, options: SelectorOptions = SelectorOptions(), seed: UInt64 = 0) {
    self.policy = policy
    self.options = options
    table = ReplicaTable(slowStart: options.slowStart, reportLifetime: options.reportLifetime)
    ejection = OutlierEjection(options.ejection)
    generator = SeededGenerator(seed: seed)
  }
}

// MARK: Requests

extension ReplicaSelector {
  /// Picks a replica for a request and counts the request as in flight there.
  ///
  /// Where no replica that fits is open, one that rests is picked, then one that is draining (``Pick/isPanic``). Answers
  /// nil where there is none of these either.
  @_specialize(where Policy == TonariPolicy)
  public mutating func pick(_ request: PickRequest = PickRequest(), at now: Moment) -> Pick? {
    while now >= ejection.nextReturn, let slot = ejection.nextBack(at: now) { open(slot, at: now) }
    guard let slot = choose(request, at: now) else { return panic(request, at: now) }
    return dispatch(slot, request, isPanic: false, at: now)
  }

  /// Learns how the request of a pick ended. Of a replica that is gone it says nothing any more.
  @_specialize(where Policy == TonariPolicy)
  public mutating func complete(_ pick: Pick, _ outcome: Outcome, at now: Moment) {
    guard table.release(pick.replica) else { return }
    let slot = pick.replica.slot
    let latency = now.seconds(since: pick.dispatched)
    policy.completed(Completion(slot: slot, outcome: outcome, latencySeconds: latency, at: now), in: table)
    if ejection.note(outcome, slot, in: table, at: now) {
      table.set(isEjected: true, slot)
      policy.changed(slot, in: table, at: now)
    }
  }

  private mutating func choose(_ request: PickRequest, at now: Moment) -> Int? {
    if let key = request.key { return owner(of: key, request, at: now) }
    let everybody = Candidates(positions: table.everywhere, request)
    guard request.from != .unknown else {
      return policy.choose(everybody, in: table, at: now, using: &generator)
    }
    return chooseNear(everybody, request.from, at: now)
  }

  /// Looks farther and farther, as long as what is farther is worth its price.
  private mutating func chooseNear(_ everybody: Candidates, _ from: Place, at now: Moment) -> Int? {
    var best: (slot: Int, tier: Tier, cost: Double)?
    var candidates = everybody
    candidates.positions = 0..<0
    for distance in Tier.node.rawValue...Tier.remote.rawValue {
      guard let tier = Tier(rawValue: distance) else { break }
      let range = table.roster.index.range(tier, of: from)
      guard range.count > candidates.positions.count else { continue }
      candidates.positions = range
      guard let slot = policy.choose(candidates, in: table, at: now, using: &generator), slot != best?.slot else {
        continue
      }
      let cost = policy.cost(slot, in: table, at: now)
      let reached = table.tier(of: slot, from: from)
      if let near = best {
        var price = options.spill.price(from: near.tier, to: reached)
        if reached > near.tier, table.hasRoom(near.slot, at: now) { price *= options.spill.leavingRoom }
        guard cost * price < near.cost else { continue }
      }
      best = (slot, reached, cost)
    }
    return best?.slot
  }

  private mutating func owner(of key: UInt64, _ request: PickRequest, at now: Moment) -> Int? {
    if ring == nil { ring = HashRing(table) }
    let candidates = Candidates(positions: table.everywhere, request)
    let share = options.affinityBound * Double(table.totalInFlight + 1) / max(table.openWeight, .leastNonzeroMagnitude)
    return ring?.owner(of: key) {
      table.admits($0, candidates)
    } hasRoom: {
      Double(table.inFlight($0) + 1) <= max(1, (share * table.weight($0)).rounded(.up))
    }
  }

  /// Any replica that rests, else any that is draining.
  private mutating func panic(_ request: PickRequest, at now: Moment) -> Pick? {
    let count = table.count
    guard count > 0 else { return nil }
    let start = generator.below(count)
    for state in [ReplicaState.ready, .draining] {
      for step in 0..<count {
        let slot = table.slot(at: (start + step) % count)
        guard table.state(slot) == state, !request.excluded.contains(slot),
          table.records[slot].labels & request.labels == request.labels
        else { continue }
        return dispatch(slot, request, isPanic: true, at: now)
      }
    }
    return nil
  }

  private mutating func dispatch(_ slot: Int, _ request: PickRequest, isPanic: Bool, at now: Moment) -> Pick {
    let id = table.dispatch(slot)
    policy.dispatched(slot, in: table, at: now)
    let tier = request.from == .unknown ? .remote : table.tier(of: slot, from: request.from)
    return Pick(replica: id, tier: tier, isPanic: isPanic, dispatched: now)
  }

  private mutating func open(_ slot: Int, at now: Moment) {
    guard table.isEjected(slot) else { return }
    table.set(isEjected: false, slot)
    policy.changed(slot, in: table, at: now)
  }
}

// MARK: Replicas and their load

extension ReplicaSelector {
  /// Takes what is known beforehand about the replicas for what there is now. Replicas of the same name stay the same,
  /// with their load and what was learnt about them; those that are not listed, or gone, are gone.
  public mutating func replace(with replicas: [Replica], at now: Moment) {
    let joined = table.replace(with: replicas, at: now)
    ejection.arrange(table, joined: joined)
    if ring != nil { ring = HashRing(table) }
    policy.arrange(table, joined: joined, at: now)
  }

  /// Learns what a replica, its agent or a probe says of its load. What is not ours is taken for others' requests, and
  /// fades. What is said about a replica that is gone is ignored.
  public mutating func report(_ report: LoadReport, of replica: ReplicaID, at now: Moment) {
    guard table.isCurrent(replica) else { return }
    table.hear(inFlight: report.inFlight, replica.slot, at: now)
    policy.heard(report, replica.slot, in: table, at: now)
    policy.changed(replica.slot, in: table, at: now)
  }

  /// Learns how many requests other selectors have in flight at a replica; that fades too.
  public mutating func report(others inFlight: Int, at replica: ReplicaID, at now: Moment) {
    guard table.isCurrent(replica) else { return }
    table.hear(foreign: inFlight, replica.slot, at: now)
    policy.changed(replica.slot, in: table, at: now)
  }

  /// The place of an asker by its names, for ``PickRequest/from``. Names that no replica has are fine.
  public mutating func place(node: String?, zone: String? = nil, cluster: String? = nil) -> Place {
    table.place(node: node, zone: zone, cluster: cluster)
  }
}
