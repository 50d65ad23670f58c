import Selection
import Synchronization
import Topology

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
  }

  private struct SlotCounts: Sendable {
    var id: ReplicaID?
    var picks: UInt64 = 0
    var failures: UInt64 = 0
  }

  private let state: Mutex<State>
  private let policyName: PolicyName
  private let pickLifetime: Int64
  private let mostInFlight: Int?

  init(
    name: String, number: UInt32, _ policy: Policy, named policyName: PolicyName, options: DispatcherOptions,
    at now: Moment
  ) {
    self.policyName = policyName
    pickLifetime = Int64(options.pickLifetime / .nanoseconds(1))
    mostInFlight = options.mostInFlight
    // Services draw different numbers, and selectors with different seeds different ids.
    var generator = SeededGenerator(seed: options.seed ^ PickQuery.hash(name.utf8))
    state = Mutex(
      State(
        selector: ReplicaSelector(policy, options: options.selection, seed: generator.next()),
        open: OpenPicks(salt: generator.next()),
        budget: RetryBudget(share: options.retryShare, minimumPerSecond: options.retriesPerSecond, at: now)))
    super.init(name: name, number: number)
  }

  // MARK: Requests

  @_specialize(where Policy == TonariPolicy)
  override func pick(_ query: PickQuery, owner: UInt32, at now: Moment, into answer: PickAnswer) -> PickStatus {
    state.withLock { state in
      if query.isRetry {
        guard state.budget.retry(at: now) else {
          state.counts.refusedRetries &+= 1
          return .noRetryLeft
        }
      } else {
        state.budget.request(at: now)
      }
      var request = PickRequest(from: query.from, key: query.key)
      if !query.labels.isEmpty { request.labels = state.labels.bits(of: query.labels) }
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
      let subset = query.subset?.compactMap { state.selector.table.id(of: $0) }
      let pick =
        if let subset {
          state.selector.pick(request, among: subset, at: now)
        } else {
          state.selector.pick(request, at: now)
        }
      guard let pick else {
        state.counts.none &+= 1
        return .noReplica
      }
      guard let id = state.open.insert(pick, owner: owner) else {
        state.selector.complete(pick, .cancelled, at: now)
        state.counts.none &+= 1
        return .noReplica
      }
      state.counts.count(pick.tier)
      if pick.isPanic { state.counts.panic &+= 1 }
      state.slots[pick.replica.slot].picks &+= 1
      answer.clear()
      answer.id = UInt64(number) << 44 | id
      answer.tier = pick.tier
      answer.isPanic = pick.isPanic
      answer.append(state.selector.table.name(pick.replica.slot))
      if query.alternatives > 0 {
        request.excluded.insert(pick.replica)
        for _ in 0..<min(query.alternatives, PickAnswer.mostAlternatives) {
          let next =
            if let subset {
              state.selector.alternative(request, among: subset, at: now)
            } else {
              state.selector.alternative(request, at: now)
            }
          guard let next else { break }
          answer.append(state.selector.table.name(next.slot))
          request.excluded.insert(next)
        }
      }
      return .picked
    }
  }

  @_specialize(where Policy == TonariPolicy)
  override func complete(
    _ id: UInt64, _ outcome: Outcome, latencySeconds: Double?, servedBy: String?, load: LoadReport?, at now: Moment
  ) -> Bool {
    state.withLock { state in
      guard let pick = state.open.remove(id) else { return false }
      var server: ReplicaID?
      if let servedBy {
        server = state.selector.table.id(of: servedBy)
        if server == pick.replica { server = nil }
      }
      state.selector.complete(pick, outcome, latencySeconds: latencySeconds, servedBy: server, at: now)
      if let load { state.selector.report(load, of: server ?? pick.replica, at: now) }
      count(outcome, pick, servedByAnother: server != nil, &state)
      return true
    }
  }

  override func abandon(owner: UInt32, at now: Moment) -> Int {
    state.withLock { state in
      var position = 0
      var count = 0
      while let pick = state.open.removeNext(of: owner, from: &position) {
        state.selector.complete(pick, .cancelled, at: now)
        state.counts.count(.cancelled)
        count += 1
      }
      return count
    }
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

  override func picks(of address: String) -> UInt64 {
    state.withLock { state in state.selector.table.id(of: address).map { state.slots[$0.slot].picks } ?? 0 }
  }

  private func count(_ outcome: Outcome, _ pick: Pick, servedByAnother: Bool, _ state: inout State) {
    state.counts.count(outcome)
    let slot = pick.replica.slot
    if outcome == .failure || servedByAnother, state.slots[slot].id == pick.replica { state.slots[slot].failures &+= 1 }
  }

  // MARK: Replicas and their load

  override func expire(at now: Moment) {
    state.withLock { state in
      let before = Moment(nanoseconds: now.nanoseconds - pickLifetime)
      while let pick = state.open.removeOldest(before: before) {
        state.selector.complete(pick, .cancelled, at: now)
        state.counts.expired &+= 1
      }
      state.selector.returnRested(at: now)
    }
  }

  override func replace(with replicas: [ServiceReplica], at now: Moment) {
    while true {
      // What takes long is done beside the picks; it is done again where another change was quicker.
      var (labels, roster) = state.withLock { ($0.labels, $0.selector.table.roster) }
      let change = roster.prepare(replicas.map { $0.replica(&labels) })
      let isDone = state.withLock { state in
        guard state.selector.apply(change, at: now) else { return false }
        state.labels = labels
        state.revision += 1
        while state.slots.count < state.selector.table.slotCount { state.slots.append(SlotCounts()) }
        for id in state.selector.table.ids where state.slots[id.slot].id != id {
          state.slots[id.slot] = SlotCounts(id: id)
        }
        return true
      }
      if isDone { return }
    }
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

  override func status(at now: Moment) -> ServiceStatus {
    state.withLock { state in
      let replicas = state.selector.view(at: now).map { view in
        let slot = state.slots[view.id.slot]
        let replica = ServiceReplica(view.replica, labels: state.labels)
        return ReplicaStatus(replica: replica, view: view, picks: slot.picks, failures: slot.failures)
      }
      return ServiceStatus(
        name: name, revision: state.revision, policy: policyName, replicas: replicas, counts: state.counts,
        ejections: state.selector.ejections, openPicks: state.open.count)
    }
  }
}
