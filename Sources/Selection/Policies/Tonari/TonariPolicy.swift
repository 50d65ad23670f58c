public import Model

/// The replica that promises the soonest answer.
///
/// The promise: a replica works on `c` requests at a time and takes `s` seconds for each, so that with `n` in flight one
/// more is answered after `max(1, (n + 1) / c) · s` on average, and a hair later the more there are, so that replicas that
/// are alike are used alike. `n` is known at dispatch. `s` is what was seen lately: the time in which requests were worked
/// on there over the requests completed with success, with a few requests at everybody's pace mixed in, so that a replica
/// without a past is taken for an ordinary one, and one that did badly is forgiven in time. Requests that are still out
/// count as time already, so that a replica that hangs is known before it answers; failed ones count as time without
/// completion, so that one that fails fast promises nothing.
///
/// Where `c` is not known, all requests in flight count as worked on, so that `s` is how long requests took at the
/// concurrency of late, `m` (Little's law); with `n` in flight one more is promised after `s · (n + 1) / (m + 1)`.
///
/// What a replica says of itself counts as far as it makes the replica dearer, and as long as it is fresh: requests of
/// others are in `n`; errors, and processors that are busy with something else, make the few requests that are mixed in
/// slower ones. Saying nothing, or that there is nothing to do, attracts nothing. What another selector saw of a replica
/// takes the place of everybody's pace there.
///
/// Costs lie in a ``Tournament``: a pick looks at its root. A cost is renewed when its replica gets or completes a
/// request; because time changes costs too, picks renew the others one after the other, each about every `memory / 16`.
public struct TonariPolicy: SelectionPolicy {
  private let options: TonariOptions
  private let decay: Decay
  private let firstGuess: Double
  private var records: [ServiceRecord] = []
  private var hearsay: [Hearsay] = []
  private var everybody = ServiceRecord(at: .start)
  private var tournament = Tournament()
  private var cursor = 0
  /// When the next replica in the row is to be renewed, and nanoseconds from one to the next.
  private var nextRenewal = Moment.start
  private var renewalInterval: Int64 = 0
  /// Busy seconds for each request over all replicas.
  private var expectedSeconds: Double
  private var chance: UInt64

  /// Makes the policy. The seed decides among equals; several selectors want different ones.
  public init(_ options: TonariOptions = TonariOptions(), seed: UInt64 = 0) {
    self.options = options
    decay = Decay(options.memory)
    firstGuess = options.firstGuess / .seconds(1)
    expectedSeconds = firstGuess
    chance = seed &* 0x9E37_79B9_7F4A_7C15 | 1
  }

  /// Forgets slots that have new replicas and sets the costs anew.
  public mutating func arrange(_ table: ReplicaTable, joined: [Int], at now: Moment) {
    while records.count < table.slotCount {
      records.append(ServiceRecord(at: now))
      hearsay.append(Hearsay())
    }
    for slot in records.indices where records[slot].busy > 0 && table.state(slot) == .gone {
      // Nobody will tell how its requests end.
      everybody.advance(to: now, decay, busy: everybody.busy - records[slot].busy)
      records[slot].advance(to: now, decay, busy: 0)
    }
    for slot in joined {
      everybody.advance(to: now, decay, busy: everybody.busy - records[slot].busy)
      records[slot] = ServiceRecord(at: now)
      hearsay[slot] = Hearsay()
    }
    tournament.reset(leaves: table.count)
    for position in table.everywhere { renew(table.slot(at: position), table, now) }
    cursor = 0
    nextRenewal = now
    renewalInterval = Int64(saturating: decay.tau * 1e9 / 16) / Int64(max(1, table.count))
  }

  /// Answers the candidate with the lowest cost.
  public mutating func choose(
    _ candidates: Candidates, in table: ReplicaTable, at now: Moment, using generator: inout SeededGenerator
  ) -> Int? {
    guard !candidates.positions.isEmpty else { return nil }
    if now >= nextRenewal { renewNext(table, now) }
    guard let cheapest = tournament.cheapest(in: candidates.positions) else { return nil }
    let slot = table.slot(at: cheapest)
    if candidates.isUnrestricted || table.admits(slot, candidates) { return slot }
    return tournament.cheapest(in: candidates.positions) { table.admits(table.slot(at: $0), candidates) }
      .map { table.slot(at: $0) }
  }

  /// The promised seconds to an answer, over the replica's weight.
  @inline(__always)
  public func cost(_ slot: Int, in table: ReplicaTable, at now: Moment) -> Double {
    promise(slot, table.records[slot], table, now)
  }

  // Inlined, because a call would copy the policy.
  @inline(__always)
  private func promise(_ slot: Int, _ replica: ReplicaRecord, _ table: ReplicaTable, _ now: Moment) -> Double {
    let load = table.load(replica, at: now)
    let record = records[slot]
    let expected = record.isAdvised ? hearsay[slot].expected(expectedSeconds, table, now) : expectedSeconds
    let busy = record.busySeconds + options.prior * expected
    let completed = record.completed + options.prior
    guard replica.concurrency > 0 else {
      let usual = record.meanBusy(expected: expected, weight: options.prior)
      return (load + 1) * busy / ((usual + 1) * completed * replica.weight)
    }
    let servers = Double(replica.concurrency)
    return (max(servers, load + 1) + options.crowding * load) * busy / (servers * completed * replica.weight)
  }

  /// Renews the replica's cost.
  public mutating func dispatched(_ slot: Int, in table: ReplicaTable, at now: Moment) {
    renew(slot, table, now)
  }

  /// Charges the replica with the work and renews its cost.
  public mutating func worked(_ slot: Int, seconds: Double, in table: ReplicaTable, at now: Moment) {
    advance(slot, table, now)
    chargeWork(slot, seconds, table, now)
    settle(slot, table, now)
  }

  /// Learns from the request and renews the replica's cost.
  public mutating func completed(_ completion: Completion, in table: ReplicaTable) {
    let slot = completion.slot
    advance(slot, table, completion.at)
    switch completion.outcome {
    case .success:
      if !completion.wasInFlight { chargeWork(slot, completion.latencySeconds, table, completion.at) }
      records[slot].complete()
      everybody.complete()
      expectedSeconds = everybody.secondsForEach(expected: firstGuess, weight: 1)
    case .failure:
      records[slot].charge(seconds: options.failureCost * expectedSeconds)
    case .cancelled:
      break
    }
    settle(slot, table, completion.at)
  }

  /// Learns what makes the replica slower than its requests have shown.
  public mutating func heard(_ report: LoadReport, _ slot: Int, in table: ReplicaTable, at now: Moment) {
    hearsay[slot].hear(report, slot, table, failureCost: options.failureCost, now)
    records[slot].isAdvised = !hearsay[slot].isEmpty
  }

  /// What requests took there lately; nil where none were seen.
  public func pace(of slot: Int, in table: ReplicaTable, at now: Moment) -> ServicePace? {
    let record = records[slot]
    guard record.completed > 0.01 else { return nil }
    return ServicePace(
      seconds: record.secondsForEach(expected: 0, weight: 0),
      concurrency: max(1, record.meanBusy(expected: expectedSeconds, weight: 1e-9)),
      completions: record.completed * decay.left(after: now.seconds(since: record.last)))
  }

  /// Expects that pace of the replica, rather than everybody's, until it saw requests there itself.
  public mutating func learn(_ pace: ServicePace, _ slot: Int, in table: ReplicaTable, at now: Moment) {
    hearsay[slot].hear(pace, slot, table, enough: options.prior, now)
    records[slot].isAdvised = true
  }

  /// Renews the replica's cost.
  public mutating func changed(_ slot: Int, in table: ReplicaTable, at now: Moment) {
    renew(slot, table, now)
  }

  /// A request that was not counted here was worked on all the same: of its time a part, where others waited too.
  private mutating func chargeWork(_ slot: Int, _ time: Double, _ table: ReplicaTable, _ now: Moment) {
    let all = table.requests(slot, at: now) + 1
    let servers = table.concurrency(slot).map(Double.init) ?? all
    let seconds = time * min(1, servers / all)
    records[slot].charge(seconds: seconds)
    everybody.charge(seconds: seconds)
  }

  private mutating func renewNext(_ table: ReplicaTable, _ now: Moment) {
    nextRenewal = Moment(nanoseconds: now.nanoseconds + renewalInterval)
    cursor = cursor + 1 < table.count ? cursor + 1 : 0
    renew(table.slot(at: cursor), table, now)
  }

  private mutating func renew(_ slot: Int, _ table: ReplicaTable, _ now: Moment) {
    advance(slot, table, now)
    settle(slot, table, now)
  }

  /// Brings the records to a moment. Of the servers that are busy at a replica, our requests have their share.
  @inline(__always)
  private mutating func advance(_ slot: Int, _ table: ReplicaTable, _ now: Moment) {
    let replica = table.records[slot]
    let own = Double(replica.inFlight)
    let servers = Double(replica.concurrency)
    let all = table.requests(replica, at: now)
    let busy = replica.concurrency == 0 || all <= servers ? own : own * servers / all
    let before = records[slot].busy
    records[slot].advance(to: now, decay, busy: busy)
    everybody.advance(to: now, decay, busy: everybody.busy + busy - before)
  }

  @inline(__always)
  private mutating func settle(_ slot: Int, _ table: ReplicaTable, _ now: Moment) {
    let replica = table.records[slot]
    guard replica.position >= 0 else { return }
    guard replica.isOpen else { return tournament.set(nil, leaf: Int(replica.position)) }
    // A hair of chance, so that selectors that know the same do not all pick the same.
    chance = chance &* 0x5851_F42D_4C95_7F2D &+ 0x1405_7B7E_F767_814F
    let hair = 1 + Double(chance >> 52) * 0x1p-19
    tournament.set(Float(promise(slot, replica, table, now) * hair), leaf: Int(replica.position))
  }
}
