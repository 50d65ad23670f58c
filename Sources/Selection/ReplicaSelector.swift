public import Model

/// Picks the replica that gets a request, from what it knows of the replicas of one service right now.
///
/// A value without a clock: the same calls with the same times and the same seed give the same picks. A pick allocates
/// nothing.
public struct ReplicaSelector<Policy: SelectionPolicy>: Sendable {
  /// The replicas and their load.
  public private(set) var table: ReplicaTable
  /// Which of the candidates gets a request.
  public private(set) var policy: Policy
  private let options: SelectorOptions
  private var ejection: OutlierEjection
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
    returnRested(at: now)
    let everywhere = table.everywhere
    guard let slot = choose(request, within: everywhere, at: now) else {
      return panic(request, within: everywhere, at: now)
    }
    return dispatch(slot, request, isPanic: false, at: now)
  }

  /// Picks as ``pick(_:at:)`` does, among the replicas that stand at some positions of the order of places alone, such as
  /// those of a cluster (``ReplicaTable/positions(ofClusterOf:)``).
  ///
  /// - Parameter panics: whether one that rests, or is draining, is picked where none is open.
  @_specialize(where Policy == TonariPolicy)
  public mutating func pick(
    _ request: PickRequest, within positions: Range<Int>, panics: Bool, at now: Moment
  ) -> Pick? {
    returnRested(at: now)
    guard let slot = choose(request, within: positions, at: now) else {
      return panics ? panic(request, within: positions, at: now) : nil
    }
    return dispatch(slot, request, isPanic: false, at: now)
  }

  /// Lets replicas back whose rest is over. Picks do so by themselves; this is for times without any.
  @inline(__always)
  public mutating func returnRested(at now: Moment) {
    while now >= ejection.nextReturn, let slot = ejection.nextBack(at: now) { open(slot, at: now) }
  }

  /// Picks among some replicas alone: the cheapest of those that are open, with what is farther at its price; a key does
  /// not tie here. Where none is open, one that rests, then one that is draining (``Pick/isPanic``); nil where there is
  /// none of these either.
  public mutating func pick(_ request: PickRequest, among replicas: [ReplicaID], at now: Moment) -> Pick? {
    returnRested(at: now)
    if let id = alternative(request, among: replicas, at: now) {
      return dispatch(id.slot, request, isPanic: false, at: now)
    }
    let candidates = Candidates(positions: table.everywhere, request)
    for state in [ReplicaState.ready, .draining] {
      let resting = replicas.filter {
        table.isCurrent($0) && table.state($0.slot) == state && table.allows($0.slot, candidates)
      }
      guard let id = resting.randomElement(using: &generator) else { continue }
      return dispatch(id.slot, request, isPanic: true, at: now)
    }
    return nil
  }

  /// A replica that ``pick(_:among:at:)`` could answer, as ``alternative(_:at:)``.
  public mutating func alternative(_ request: PickRequest, among replicas: [ReplicaID], at now: Moment) -> ReplicaID? {
    let candidates = Candidates(positions: table.everywhere, request)
    var best: (id: ReplicaID, cost: Double)?
    // From somewhere, so that of those that cost the same not always the first is picked.
    let start = replicas.isEmpty ? 0 : generator.below(replicas.count)
    for step in replicas.indices {
      let id = replicas[(start + step) % replicas.count]
      guard table.isCurrent(id), table.admits(id.slot, candidates) else { continue }
      var cost = policy.cost(id.slot, in: table, at: now)
      if request.from != .unknown {
        cost *= options.spill.price(from: .node, to: table.tier(of: id.slot, from: request.from))
      }
      if best.map({ cost < $0.cost }) ?? true { best = (id, cost) }
    }
    return best?.id
  }

  /// A replica that ``pick(_:at:)`` could answer, for a list of those to try next, without counting a request there; nil
  /// where none that fits is open. Whoever wants several excludes each before asking for the next.
  ///
  /// - Parameter positions: where it may stand in the order of places; nil for anywhere.
  public mutating func alternative(
    _ request: PickRequest, within positions: Range<Int>? = nil, at now: Moment
  ) -> ReplicaID? {
    choose(request, within: positions ?? table.everywhere, at: now).map(table.id(at:))
  }

  /// Learns how the request of a pick ended. Of a replica that is gone it says nothing any more.
  ///
  /// - Parameters:
  ///   - pick: The pick, which is over with this.
  ///   - outcome: How the request ended.
  ///   - latencySeconds: What it took, as the asker measured it; nil for the time since the pick.
  ///   - server: The replica that the outcome is of, where the request went on to an alternative: then the picked one
  ///     failed. Nil for the picked one.
  ///   - now: When it ended.
  @_specialize(where Policy == TonariPolicy)
  public mutating func complete(
    _ pick: Pick, _ outcome: Outcome, latencySeconds: Double? = nil, servedBy server: ReplicaID? = nil, at now: Moment
  ) {
    let passed = now.seconds(since: pick.dispatched)
    let latency = latencySeconds.flatMap { $0 >= 0 && $0.isFinite ? $0 : nil } ?? passed
    guard let server, server != pick.replica else {
      if table.release(pick.replica) {
        learn(Completion(slot: pick.replica.slot, outcome: outcome, latencySeconds: latency, at: now))
      }
      return
    }
    if table.release(pick.replica) {
      let failed = max(0, passed - latency)
      learn(Completion(slot: pick.replica.slot, outcome: .failure, latencySeconds: failed, at: now))
    }
    if table.isCurrent(server) {
      var completion = Completion(slot: server.slot, outcome: outcome, latencySeconds: latency, at: now)
      completion.wasInFlight = false
      learn(completion)
    }
  }

  /// Learns that the request of a pick went on to another replica, which works on it still. Answers the pick that is to be
  /// completed in its place; the same one where the other replica is gone.
  ///
  /// - Parameter outcome: How it ended at the picked replica.
  public mutating func move(_ pick: Pick, to server: ReplicaID, _ outcome: Outcome, at now: Moment) -> Pick {
    guard table.isCurrent(server), server != pick.replica else { return pick }
    complete(pick, outcome, at: now)
    var moved = pick
    moved.replica = table.dispatch(server.slot)
    policy.dispatched(server.slot, in: table, at: now)
    // It was there for an unknown part of the time; as long as for a request that is served at last, all of it counts.
    policy.worked(server.slot, seconds: now.seconds(since: pick.dispatched), in: table, at: now)
    return moved
  }

  private mutating func learn(_ completion: Completion) {
    let slot = completion.slot
    policy.completed(completion, in: table)
    if ejection.note(completion.outcome, slot, in: table, at: completion.at) {
      table.set(isEjected: true, slot)
      policy.changed(slot, in: table, at: completion.at)
    }
  }

  private mutating func choose(_ request: PickRequest, within positions: Range<Int>, at now: Moment) -> Int? {
    if let key = request.key { return owner(of: key, request, within: positions, at: now) }
    let candidates = Candidates(positions: positions, request)
    guard request.from != .unknown else {
      return policy.choose(candidates, in: table, at: now, using: &generator)
    }
    return chooseNear(candidates, request.from, at: now)
  }

  /// Looks farther and farther, as long as what is farther is worth its price.
  private mutating func chooseNear(_ all: Candidates, _ from: Place, at now: Moment) -> Int? {
    var ranges = table.roster.index.ranges(of: from)
    if all.positions.count < table.count { ranges.clamp(to: all.positions) }
    var best: (slot: Int, tier: Tier, cost: Double)?
    var candidates = all
    candidates.positions = 0..<0
    for distance in Tier.node.rawValue...Tier.remote.rawValue {
      guard let tier = Tier(rawValue: distance) else { break }
      let range = ranges[tier]
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

  private mutating func owner(
    of key: UInt64, _ request: PickRequest, within positions: Range<Int>, at now: Moment
  ) -> Int? {
    let candidates = Candidates(positions: positions, request)
    let share = options.affinityBound * Double(table.totalInFlight + 1) / max(table.openWeight, .leastNonzeroMagnitude)
    return table.roster.keys.owner(of: key) {
      table.admits($0, candidates) && positions.contains(table.position(of: $0))
    } hasRoom: {
      Double(table.inFlight($0) + 1) <= max(1, (share * table.weight($0)).rounded(.up))
    }
  }

  /// Any replica that rests, else any that is draining.
  private mutating func panic(_ request: PickRequest, within positions: Range<Int>, at now: Moment) -> Pick? {
    guard !positions.isEmpty else { return nil }
    let start = generator.below(positions.count)
    let candidates = Candidates(positions: positions, request)
    for state in [ReplicaState.ready, .draining] {
      for step in positions.indices {
        let slot = table.slot(at: positions.lowerBound + (start + step - positions.lowerBound) % positions.count)
        guard table.state(slot) == state, table.allows(slot, candidates) else { continue }
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
  ///
  /// Whoever must not keep picks waiting prepares the change elsewhere: ``Roster/prepare(_:)``, ``apply(_:at:)``.
  public mutating func replace(with replicas: [Replica], at now: Moment) {
    _ = apply(table.roster.prepare(replicas), at: now)
  }

  /// Sets or clears labels of the replicas in slots, beside those that they came with, until the next change of replicas.
  public mutating func set(labels: UInt64, _ isSet: Bool, in slots: [Int]) {
    for slot in slots where slot < table.slotCount { table.set(labels: labels, isSet, slot) }
  }

  /// Makes a change that ``ReplicaTable/roster`` prepared. Answers false, and does nothing, where the table was changed
  /// otherwise meanwhile: then the change is to be prepared again.
  public mutating func apply(_ change: RosterChange, at now: Moment) -> Bool {
    guard table.apply(change, at: now) else { return false }
    ejection.arrange(table, joined: change.joined)
    policy.arrange(table, joined: change.joined, at: now)
    return true
  }

  /// Learns what a replica, its agent or a probe says of its load. Requests that are not ours are taken for others', and
  /// fade, as does what else a policy makes of it. What is said about a replica that is gone is ignored.
  public mutating func report(_ report: LoadReport, of replica: ReplicaID, at now: Moment) {
    guard table.isCurrent(replica) else { return }
    let report = report.plausible
    table.hear(report, replica.slot, at: now)
    policy.heard(report, replica.slot, in: table, at: now)
    policy.changed(replica.slot, in: table, at: now)
  }

  /// Learns how requests ended that others sent to a replica, counted since the last time: one that fails much gets a rest.
  public mutating func note(successes: Int, failures: Int, at replica: ReplicaID, at now: Moment) {
    guard table.isCurrent(replica),
      ejection.note(successes: successes, failures: failures, replica.slot, in: table, at: now)
    else { return }
    table.set(isEjected: true, replica.slot)
    policy.changed(replica.slot, in: table, at: now)
  }

  /// Learns how many requests other selectors have in flight at a replica; that fades too.
  public mutating func report(others inFlight: Int, at replica: ReplicaID, at now: Moment) {
    guard table.isCurrent(replica) else { return }
    table.hear(foreign: inFlight, replica.slot, at: now)
    policy.changed(replica.slot, in: table, at: now)
  }

  /// Learns from another selector what it found out about a replica, so that one that has just started knows something.
  /// What we found out ourselves counts more.
  public mutating func learn(_ pace: ServicePace, of replica: ReplicaID, at now: Moment) {
    guard table.isCurrent(replica), pace.isPlausible else { return }
    policy.learn(pace, replica.slot, in: table, at: now)
    policy.changed(replica.slot, in: table, at: now)
  }
}

// MARK: Looking on

extension ReplicaSelector {
  /// How many times a replica was given a rest because of its failures, since the start.
  public var ejections: Int { ejection.count }

  /// What is known of each replica, those of a node, a zone and a cluster side by side.
  public func view(at now: Moment) -> [ReplicaView] {
    table.ids.map { id in
      let slot = id.slot
      return ReplicaView(
        id: id, replica: table.roster.replicas[slot], isEjected: table.isEjected(slot),
        ejections: ejection.count(of: slot), inFlight: table.inFlight(slot),
        othersInFlight: table.othersInFlight(slot, at: now), warmth: table.warmth(slot, at: now),
        cost: policy.cost(slot, in: table, at: now), pace: policy.pace(of: slot, in: table, at: now),
        lastReport: table.lastReport(slot)?.report, heard: table.lastReport(slot)?.heard,
        reportTimes: table.lastReport(slot)?.times)
    }
  }
}
