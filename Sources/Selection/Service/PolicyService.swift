import Model
import Overflow
import Synchronization

/// A service whose replicas a policy picks.
final class PolicyService<Policy: SelectionPolicy>: DispatchedService, @unchecked Sendable {
  // Safe: all that changes is inside the mutex.

  private struct State: Sendable {
    var selector: ReplicaSelector<Policy>
    var open: OpenPicks
    var budget: RetryBudget
    var labels = LabelBits()
    var counts = PickCounts()
    var revision: UInt64 = 0
    /// How often something was heard of a replica's load.
    var reports: UInt64 = 0
    /// What was asked of the replica in each slot.
    var slots: [SlotCounts] = []
    /// What keeps more requests away than the own cluster bears; nil where no policy says so.
    var overflow: OverflowGate?
    /// When memory of open picks is looked at again.
    var nextShrink = Moment(nanoseconds: .min)
  }

  private struct SlotCounts: Sendable {
    var id: ReplicaID?
    var picks: UInt64 = 0
    var failures: UInt64 = 0
  }

  private let state: Mutex<State>
  private let policyName: PolicyName
  /// In nanoseconds.
  private let unaryPickLifetime: Int64
  private let pickLifetime: Int64
  private let mostInFlight: Int?
  /// How many picks may be open here, and over all services.
  private let mostOpenPicks: Int
  private let openPicks: OpenPickCount
  /// Makes plans for the gate, beside the picks.
  private let planner = Mutex<OverflowPlanner?>(nil)

  init(
    name: String, number: UInt32, _ policy: Policy, named policyName: PolicyName, options: DispatcherOptions,
    openPicks: OpenPickCount, at now: Moment
  ) {
    self.policyName = policyName
    self.openPicks = openPicks
    mostOpenPicks = min(OpenPicks.limit, max(1, options.mostOpenPicksOfService))
    pickLifetime = options.pickLifetime.wholeNanoseconds
    unaryPickLifetime = min(pickLifetime, options.unaryPickLifetime.wholeNanoseconds)
    // No more than can be counted with, whatever the number of replicas.
    mostInFlight = options.mostInFlight.map { min($0, Bounds.concurrency.range.upperBound) }
    // Services draw different numbers, and selectors with different seeds different ids.
    var generator = SeededGenerator(seed: options.seed ^ PickQuery.hash(name.utf8))
    state = Mutex(
      State(
        selector: ReplicaSelector(policy, options: options.selection, seed: generator.next()),
        open: OpenPicks(salt: generator.next()),
        budget: RetryBudget(share: options.retryShare, minimumPerSecond: options.retriesPerSecond, at: now)))
    super.init(name: name, number: number)
  }

  deinit {
    openPicks.subtract(state.withLock { $0.open.count })
  }

  // MARK: Requests

  @_specialize(where Policy == TonariPolicy)
  override func pick(
    _ query: PickQuery, owner: UInt32, key: PickKey, at now: Moment, into answer: PickAnswer
  ) -> PickStatus {
    answer.clear()
    // However it is picked, what was sent on keeps its mark.
    answer.hops = query.hops
    return state.withLock { state in
      if query.isRetry {
        guard state.budget.retry(at: now) else {
          state.counts.refusedRetries &+= 1
          return .noRetryLeft
        }
      } else {
        state.budget.request(at: now)
      }
      var request = PickRequest(from: query.from, key: query.key)
      if !query.labels.isEmpty {
        guard
          let labels = state.labels.bits(of: query.labels) ?? state.labels.assign(query.labels, in: &state.selector)
        else {
          state.counts.none &+= 1
          return .noReplica
        }
        request.labels = labels
      }
      if !query.excluded.isEmpty {
        for address in query.excluded {
          if let id = state.selector.table.id(of: address) { request.excluded.insert(id) }
        }
      }
      if let mostInFlight, state.selector.table.totalInFlight >= mostInFlight * state.selector.table.openCount,
        state.selector.table.openCount > 0
      {
        state.counts.shed &+= 1
        return .full
      }
      var subset = query.subset?.compactMap { state.selector.table.id(of: $0) }
      var positions: Range<Int>?
      var pick: Pick?
      if let way = state.overflow?.way(hops: query.hops, at: now), way != .anywhere {
        // Most requests stay, and find a replica.
        if way == .local, subset == nil, let local = state.overflow?.local {
          pick = state.selector.pick(request, within: local, panics: false, at: now)
          positions = local
        }
        if pick == nil {
          guard let found = Self.pick(request, subset, way, hops: query.hops, &state, at: now) else {
            state.counts.shed &+= 1
            answer.retryAfter = state.overflow?.retryAfter ?? 0
            return .full
          }
          pick = found.pick
          positions = state.overflow?.positions(of: found.way)
          answer.hops = found.way == .local ? query.hops : query.hops + 1
          if subset != nil, let positions { Self.narrow(&subset, to: positions, state) }
        }
      } else if let subset {
        pick = state.selector.pick(request, among: subset, at: now)
      } else {
        pick = state.selector.pick(request, at: now)
      }
      guard let pick else {
        state.counts.none &+= 1
        return .noReplica
      }
      makeRoom(&state, at: now)
      guard let id = state.open.insert(pick, owner: owner, key: key, life: query.life) else {
        state.selector.complete(pick, .cancelled, at: now)
        state.counts.none &+= 1
        return .noReplica
      }
      openPicks.add(1)
      state.counts.count(pick.tier)
      if pick.isPanic { state.counts.panic &+= 1 }
      state.slots[pick.replica.slot].picks &+= 1
      answer.id = UInt64(number) << 44 | id
      answer.tier = pick.tier
      answer.isPanic = pick.isPanic
      answer.append(Self.name(of: pick.replica, in: query, state))
      if query.alternatives > 0 {
        request.excluded.insert(pick.replica)
        for _ in 0..<min(query.alternatives, PickAnswer.mostAlternatives) {
          let next =
            if let subset {
              state.selector.alternative(request, among: subset, at: now)
            } else {
              state.selector.alternative(request, within: positions, at: now)
            }
          guard let next else { break }
          answer.append(Self.name(of: next, in: query, state))
          request.excluded.insert(next)
        }
      }
      return .picked
    }
  }

  /// A replica's address: of those that alone will do the one that its asker knows.
  @inline(__always)
  private static func name(of replica: ReplicaID, in query: PickQuery, _ state: borrowing State) -> String {
    // Few have another address than the one that they are known by, and looking for it hashes the whole subset.
    if let subset = query.subset, state.selector.table.hasAliases(replica.slot) {
      for known in subset where state.selector.table.id(of: known) == replica { return known }
    }
    return state.selector.table.name(replica.slot)
  }

  /// Picks where a gate says, or where else there is a replica; nil where nobody has room. No pick in the answer says that
  /// there is no replica at all.
  @inline(never)
  private static func pick(
    _ request: PickRequest, _ subset: [ReplicaID]?, _ first: OverflowGate.Way, hops: Int, _ state: inout State,
    at now: Moment
  ) -> (pick: Pick?, way: OverflowGate.Way)? {
    var way = first
    var tried: UInt64 = 0
    while way != .nowhere {
      let positions = state.overflow?.positions(of: way) ?? 0..<0
      let pick: Pick?
      if var subset {
        narrow(&subset, to: positions, state)
        pick = subset.isEmpty ? nil : state.selector.pick(request, among: subset, at: now)
      } else {
        pick = state.selector.pick(request, within: positions, panics: false, at: now)
      }
      if let pick { return (pick, way) }
      way = state.overflow?.another(than: way, tried: &tried, hops: hops, at: now) ?? .nowhere
    }
    // Only who was let in is served by whoever is there at all.
    guard first == .local, subset == nil else { return nil }
    state.overflow?.served(insteadOf: way)
    let positions = state.overflow?.local ?? 0..<0
    return (state.selector.pick(request, within: positions, panics: true, at: now), .local)
  }

  private static func narrow(_ subset: inout [ReplicaID]?, to positions: Range<Int>, _ state: borrowing State) {
    guard var replicas = subset else { return }
    narrow(&replicas, to: positions, state)
    subset = replicas
  }

  private static func narrow(_ subset: inout [ReplicaID], to positions: Range<Int>, _ state: borrowing State) {
    let table = state.selector.table
    subset.removeAll { replica in table.position(of: replica).map { !positions.contains($0) } ?? true }
  }

  @_specialize(where Policy == TonariPolicy)
  override func complete(
    _ id: UInt64, key: PickKey, _ outcome: Outcome, latencySeconds: Double?, servedBy: String?, load: LoadReport?,
    at now: Moment
  ) -> Bool {
    state.withLock { state in
      guard let pick = state.open.remove(id, key: key) else { return false }
      openPicks.subtract(1)
      var server: ReplicaID?
      if let servedBy {
        server = state.selector.table.id(of: servedBy)
        if server == pick.replica { server = nil }
      }
      state.selector.complete(pick, outcome, latencySeconds: latencySeconds, servedBy: server, at: now)
      if state.overflow != nil { Self.note(outcome, pick, latencySeconds, servedBy: server, &state, at: now) }
      if let load { state.selector.report(load, of: server ?? pick.replica, at: now) }
      count(outcome, pick, servedByAnother: server != nil, &state)
      return true
    }
  }

  override func renew(_ id: UInt64, key: PickKey, at now: Moment) -> Bool {
    state.withLock { $0.open.renew(id, key: key, at: now) }
  }

  override func respond(
    _ id: UInt64, key: PickKey, from server: (address: String, picked: Outcome)?, at now: Moment
  ) -> Bool {
    state.withLock { state in
      guard var pick = state.open.find(id, key: key) else { return false }
      if let server {
        guard let replica = state.selector.table.id(of: server.address) else { return false }
        if replica != pick.replica {
          if server.picked == .failure {
            noteFailure(of: pick, &state)
            if let position = state.selector.table.position(of: pick.replica) {
              state.overflow?.note(.failure, seconds: 0, position: position, at: now)
            }
          }
          pick = state.selector.move(pick, to: replica, server.picked, at: now)
        }
      }
      pick.responded = pick.responded ?? now
      return state.open.renew(id, key: key, as: pick, at: now)
    }
  }

  /// How many picks are let go while the lock is held once, so that picks need not wait long for it.
  private static var slice: Int { 256 }

  override func abandon(owner: UInt32, at now: Moment) -> Int {
    var all = 0
    while true {
      let count = state.withLock { state in
        var count = 0
        while count < Self.slice, let pick = state.open.removeOne(of: owner) {
          state.selector.complete(pick, .cancelled, at: now)
          state.counts.count(.cancelled)
          count += 1
        }
        openPicks.subtract(count)
        return count
      }
      all += count
      if count < Self.slice { return all }
    }
  }

  /// Lets go of a pick or two that are over their time, so that these never add up, and of the oldest where there are too
  /// many: whoever leaves picks open takes nobody the place of a new one.
  @inline(__always)
  private func makeRoom(_ state: inout State, at now: Moment) {
    let isFull = state.open.count >= mostOpenPicks || openPicks.isFull
    letTwoGo(.unary, after: unaryPickLifetime, &state, at: now)
    letTwoGo(.connected, after: pickLifetime, &state, at: now)
    guard isFull, state.open.count >= mostOpenPicks || openPicks.isFull, let pick = Self.takeOldest(&state) else {
      return
    }
    letGo(pick, &state, at: now)
    state.counts.evicted &+= 1
  }

  @inline(__always)
  private func letTwoGo(_ life: PickLife, after nanoseconds: Int64, _ state: inout State, at now: Moment) {
    let before = Moment(nanoseconds: now.nanoseconds - nanoseconds)
    for _ in 0..<2 {
      guard let pick = state.open.removeOldest(life, before: before) else { return }
      letGo(pick, &state, at: now)
    }
  }

  /// Of those that end by themselves the one that was made first, of whichever life, so that nobody's picks stay at the cost
  /// of all others'; one that somebody attends to where there is no other.
  private static func takeOldest(_ state: inout State) -> Pick? {
    let (unary, connected) = (state.open.oldest(.unary)?.dispatched, state.open.oldest(.connected)?.dispatched)
    let life: PickLife =
      switch (unary, connected) {
      case (let unary?, let connected?): unary <= connected ? .unary : .connected
      case (_?, nil): .unary
      case (nil, _?): .connected
      case (nil, nil): .attended
      }
    return state.open.removeOldest(life)
  }

  private func letGo(_ pick: Pick, _ state: inout State, at now: Moment) {
    state.selector.complete(pick, .cancelled, at: now)
    state.counts.expired &+= 1
    openPicks.subtract(1)
  }

  override func report(_ load: LoadReport, of address: String, in cluster: String?, at now: Moment) -> Bool {
    state.withLock { state in
      guard let id = state.selector.table.id(of: address) else { return false }
      if let cluster, let known = state.selector.table.replica(id)?.cluster, known != cluster { return false }
      state.selector.report(load, of: id, at: now)
      state.reports &+= 1
      return true
    }
  }

  override func note(successes: Int, failures: Int, of address: String, at now: Moment) {
    state.withLock { state in
      guard let id = state.selector.table.id(of: address) else { return }
      state.selector.note(successes: successes, failures: failures, at: id, at: now)
    }
  }

  override func picks(of address: String) -> UInt64 {
    state.withLock { state in state.selector.table.id(of: address).map { state.slots[$0.slot].picks } ?? 0 }
  }

  private func count(_ outcome: Outcome, _ pick: Pick, servedByAnother: Bool, _ state: inout State) {
    state.counts.count(outcome)
    if outcome == .failure || servedByAnother { noteFailure(of: pick, &state) }
  }

  @inline(__always)
  private func noteFailure(of pick: Pick, _ state: inout State) {
    let slot = pick.replica.slot
    if state.slots[slot].id == pick.replica { state.slots[slot].failures &+= 1 }
  }

  @inline(__always)
  private static func note(
    _ outcome: Outcome, _ pick: Pick, _ latencySeconds: Double?, servedBy server: ReplicaID?, _ state: inout State,
    at now: Moment
  ) {
    // Of an answer that goes on for long, what its asker wants and has no hand in is how soon it began.
    let seconds = latencySeconds ?? (pick.responded ?? now).seconds(since: pick.dispatched)
    if let server {
      if let position = state.selector.table.position(of: server) {
        state.overflow?.note(outcome, seconds: seconds, position: position, at: now)
      }
      if let position = state.selector.table.position(of: pick.replica) {
        state.overflow?.note(.failure, seconds: 0, position: position, at: now)
      }
    } else if let position = state.selector.table.position(of: pick.replica) {
      state.overflow?.note(outcome, seconds: seconds, position: position, at: now)
    }
  }

  // MARK: Overflow

  override func set(_ overflow: ServiceOverflow?, at now: Moment) {
    planner.withLock { planner in
      guard planner?.overflow != overflow else { return }
      planner = overflow.map { OverflowPlanner($0, after: planner) }
      state.withLock { state in
        state.overflow = overflow.map { OverflowGate($0, after: state.overflow) }
        Self.arrange(&state)
      }
    }
    planAgain(at: now)
  }

  override func planOverflow(peers: [PeerArrivals], siblings: PeerArrivals, at now: Moment) {
    planner.withLock { planner in
      guard planner?.isDue(at: now) == true else { return }
      let counted = state.withLock { state in
        let answers = state.overflow?.takeRecent(at: now)
        return (answers, Self.figures(state))
      }
      guard case (let answers?, let figures?) = counted else { return }
      planner?.count(figures, answers, peers: peers, siblings: siblings, at: now)
      guard let plan = planner?.plan(at: now) else { return }
      state.withLock { $0.overflow?.follow(plan, at: now) }
    }
  }

  override func hear(_ headroom: Headroom?, of neighbour: String, at now: Moment) -> Bool {
    planner.withLock { planner in
      guard planner?.hear(headroom, of: neighbour, at: now) == true else { return false }
      guard let plan = planner?.plan(at: now) else { return false }
      state.withLock { $0.overflow?.follow(plan, at: now) }
      return true
    }
  }

  /// Plans with the replicas that there are now, without counting.
  private func planAgain(at now: Moment) {
    planner.withLock { planner in
      guard planner != nil, let figures = state.withLock({ Self.figures($0) }) else { return }
      planner?.look(figures, at: now)
      guard let plan = planner?.plan(at: now) else { return }
      state.withLock { $0.overflow?.follow(plan, at: now) }
    }
  }

  override func overflowStatus(at now: Moment) -> OverflowStatus? {
    guard let planner = planner.withLock({ $0 }), let gate = state.withLock({ $0.overflow }) else { return nil }
    return planner.status(gate, at: now)
  }

  override var arrivals: PeerArrivals? { planner.withLock { $0?.own } }

  override func arrivals(at now: Moment) -> (arrivals: PeerArrivals, isDue: Bool)? {
    planner.withLock { planner in planner.map { ($0.own, $0.isDue(at: now)) } }
  }

  private static func figures(_ state: borrowing State) -> OverflowFigures? {
    guard let gate = state.overflow else { return nil }
    let table = state.selector.table
    func count(_ positions: Range<Int>, _ holds: (Int) -> Bool) -> Int {
      positions.count { holds(table.slot(at: $0)) }
    }
    return OverflowFigures(
      arrivals: gate.arrivals, received: gate.received, sent: gate.remotes.map(\.sent),
      ready: count(gate.local) { table.state($0) == .ready }, open: count(gate.local) { table.isOpen($0) },
      remoteReady: gate.remotes.map { count($0.positions) { table.isOpen($0) } }, remotes: gate.remotes)
  }

  /// Tells the gate where replicas stand.
  private static func arrange(_ state: inout State) {
    guard let gate = state.overflow else { return }
    let table = state.selector.table
    func positions(_ cluster: String) -> Range<Int> {
      table.positions(ofClusterOf: Place(node: nil, cluster: cluster))
    }
    state.overflow?.arrange(local: positions(gate.cluster)) { positions($0) }
  }

  // MARK: Replicas and their load

  override func expire(at now: Moment) {
    while expireSome(.unary, after: unaryPickLifetime, at: now) {}
    while expireSome(.connected, after: pickLifetime, at: now) {}
    state.withLock { state in
      state.selector.returnRested(at: now)
      guard now >= state.nextShrink else { return }
      state.open.shrink()
      state.nextShrink = Moment(nanoseconds: now.nanoseconds + 1_000_000_000)
    }
  }

  /// Lets go of some picks that are over their time. Answers whether there may be more.
  private func expireSome(_ life: PickLife, after nanoseconds: Int64, at now: Moment) -> Bool {
    let before = Moment(nanoseconds: now.nanoseconds - nanoseconds)
    return state.withLock { state in
      for _ in 0..<Self.slice {
        guard let pick = state.open.removeOldest(life, before: before) else { return false }
        letGo(pick, &state, at: now)
      }
      return true
    }
  }

  override func replace(with replicas: [ServiceReplica], at now: Moment) {
    while true {
      // What takes long is done beside the picks; it is done again where another change was quicker.
      let (areLabelsAsked, roster, cluster) = state.withLock {
        ($0.labels.areAsked, $0.selector.table.roster, $0.overflow?.cluster)
      }
      let change = roster.prepare(
        replicas.map { replica in
          var replica = replica
          if let cluster, replica.cluster.isEmpty { replica.cluster = cluster }
          return replica.replica
        })
      let holders =
        areLabelsAsked
        ? LabelBits.holders(
          of: replicas.lazy.compactMap { replica in change.slot(of: replica.address).map { ($0, replica.labels) } })
        : nil
      let isDone = state.withLock { state in
        guard state.selector.apply(change, at: now) else { return false }
        state.labels.arrange(holders, in: &state.selector)
        state.revision += 1
        while state.slots.count < state.selector.table.slotCount { state.slots.append(SlotCounts()) }
        for id in state.selector.table.ids where state.slots[id.slot].id != id {
          state.slots[id.slot] = SlotCounts(id: id)
        }
        Self.arrange(&state)
        return true
      }
      if isDone { break }
    }
    planAgain(at: now)
  }

  override func hear(_ peers: [String: PeerKnowledge], at now: Moment) {
    state.withLock { state in
      for (address, peer) in peers {
        guard let id = state.selector.table.id(of: address) else { continue }
        if peer.inFlight > 0 { state.reports &+= 1 }
        state.selector.report(others: peer.inFlight, at: id, at: now)
        if let pace = peer.pace { state.selector.learn(pace, of: id, at: now) }
      }
    }
  }

  override var standing: ServiceStanding {
    state.withLock { state in
      let counts = state.counts
      return ServiceStanding(
        members: ServiceStanding.Members(
          revision: state.revision, ejections: state.selector.ejections, ejected: state.selector.table.ejectedCount),
        activity: counts.total &+ counts.succeeded &+ counts.failed &+ counts.cancelled &+ counts.expired
          &+ state.reports)
    }
  }

  override var tally: ServiceTally {
    state.withLock { state in
      var tally = ServiceTally()
      tally.counts = state.counts
      tally.openPicks = state.open.count
      tally.replicas = state.selector.table.count
      tally.inFlight = state.selector.table.totalInFlight
      tally.ejections = state.selector.ejections
      return tally
    }
  }

  override func status(at now: Moment) -> ServiceStatus {
    let overflow = overflowStatus(at: now)
    return state.withLock { state in
      let replicas = state.selector.view(at: now).map { view in
        let slot = state.slots[view.id.slot]
        let replica = ServiceReplica(view.replica)
        return ReplicaStatus(replica: replica, view: view, picks: slot.picks, failures: slot.failures)
      }
      var counts = state.counts
      counts.foreign = state.open.foreign
      return ServiceStatus(
        name: name, revision: state.revision, policy: policyName, replicas: replicas, counts: counts,
        ejections: state.selector.ejections, openPicks: state.open.count,
        overflow: overflow)
    }
  }
}
