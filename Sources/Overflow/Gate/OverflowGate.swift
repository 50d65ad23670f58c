package import Model

/// Decides for each request whether it stays, and else where it goes. What a decision needs is here ready; what it takes
/// to get it ready is ``OverflowPlanner``'s affair.
package struct OverflowGate: Sendable {
  /// Where a request goes.
  package enum Way: Hashable, Sendable {
    /// To a replica of the own cluster.
    case local
    /// To the neighbour of this number.
    case neighbour(Int)
    /// Nobody has room.
    case nowhere
    /// As if there were no gate: it only counts.
    case anywhere
  }

  /// A neighbour as the gate sees it.
  package struct Remote: Sendable {
    package let name: String
    /// What it has room for.
    package var room = Admission(perMinute: 0, burst: .seconds(1))
    package var health = RemoteHealth()
    /// Where its replicas stand in the order of places.
    package var positions = 0..<0
    /// Requests that were sent there since the service was made.
    package var sent: UInt64 = 0
    /// How those ended lately that were sent there.
    package var recent = Answers()
  }

  /// How requests ended.
  package struct Answers: Hashable, Sendable {
    package var count = 0
    package var failures = 0
    package var seconds = 0.0

    package mutating func note(_ outcome: Outcome, seconds: Double) {
      guard outcome != .cancelled else { return }
      count += 1
      if outcome == .failure { failures += 1 }
      self.seconds += seconds
    }
  }

  /// The name of the own cluster.
  package let cluster: String
  package let maxHops: Int
  package let isDryRun: Bool
  package private(set) var admission = Admission(perMinute: 0)
  package private(set) var remotes: [Remote]
  private var picker = SplitPicker()
  /// Neighbours by cost.
  private let order: [Int]
  /// Where the own cluster's replicas stand in the order of places.
  package private(set) var local = 0..<0
  /// How those requests ended lately that stayed.
  package private(set) var recent = Answers()
  /// Requests that came, and those of them that another cluster sent, since the service was made.
  package private(set) var arrivals: UInt64 = 0
  package private(set) var received: UInt64 = 0
  /// Requests that nobody had room for.
  package private(set) var shed: UInt64 = 0
  /// When somebody who was turned away may try again, in milliseconds.
  package private(set) var retryAfter: UInt32 = 1000

  /// Makes a gate that is closed until there is a plan; what was counted by one before goes on.
  package init(_ overflow: ServiceOverflow, after before: OverflowGate? = nil) {
    cluster = overflow.cluster
    maxHops = overflow.maxHops
    isDryRun = overflow.isDryRun
    order = overflow.neighbours.indices.sorted {
      (overflow.neighbours[$0].cost, $0) < (overflow.neighbours[$1].cost, $1)
    }
    remotes = overflow.neighbours.map { neighbour in
      var remote = Remote(name: neighbour.name)
      guard let known = before?.remotes.first(where: { $0.name == neighbour.name }) else { return remote }
      (remote.sent, remote.health) = (known.sent, known.health)
      return remote
    }
    guard let before else { return }
    (arrivals, received, shed) = (before.arrivals, before.received, before.shed)
  }

  // MARK: Requests

  /// Decides about a request and counts it.
  @inline(__always)
  package mutating func way(hops: Int, at now: Moment) -> Way {
    arrivals &+= 1
    if hops > 0 { received &+= 1 }
    if admission.admit(at: now) { return isDryRun ? .anywhere : .local }
    let way = wayOut(hops: hops, at: now)
    return isDryRun ? .anywhere : way
  }

  /// Decides about a request that cannot stay.
  ///
  /// - Parameter tried: neighbours that are out of the question, a bit each.
  @inline(never)
  private mutating func wayOut(hops: Int, tried: UInt64 = 0, at now: Moment) -> Way {
    if hops < maxHops {
      if let k = picker.next(), tried >> k & 1 == 0, remotes[k].room.admit(at: now) { return sending(to: k) }
      for k in order where tried >> k & 1 == 0 && remotes[k].room.admit(at: now) { return sending(to: k) }
    }
    shed &+= 1
    return .nowhere
  }

  private mutating func sending(to k: Int) -> Way {
    remotes[k].sent &+= 1
    return .neighbour(k)
  }

  /// A request could not go where it was to go, as no replica there takes it: looks for another way out.
  ///
  /// - Parameter tried: the neighbours that were tried, a bit each.
  package mutating func another(than way: Way, tried: inout UInt64, hops: Int, at now: Moment) -> Way {
    switch way {
    case .local: admission.giveBack()
    case .neighbour(let k):
      remotes[k].sent &-= 1
      remotes[k].room.giveBack()
      tried |= 1 << k
    case .nowhere, .anywhere: return .nowhere
    }
    return wayOut(hops: hops, tried: tried, at: now)
  }

  /// A request that was to be turned away is served here all the same.
  package mutating func served(insteadOf way: Way) {
    if way == .nowhere { shed &-= 1 }
  }

  /// Where the replicas of a way stand.
  package func positions(of way: Way) -> Range<Int> {
    switch way {
    case .local: local
    case .neighbour(let k): remotes[k].positions
    case .nowhere, .anywhere: 0..<0
    }
  }

  /// Learns how a request ended, by the position of the replica that had it.
  @inline(__always)
  package mutating func note(_ outcome: Outcome, seconds: Double, position: Int, at now: Moment) {
    if local.contains(position) {
      recent.note(outcome, seconds: seconds)
    } else {
      noteRemote(outcome, seconds: seconds, position: position, at: now)
    }
  }

  @inline(never)
  private mutating func noteRemote(_ outcome: Outcome, seconds: Double, position: Int, at now: Moment) {
    guard outcome != .cancelled, let k = remotes.firstIndex(where: { $0.positions.contains(position) }) else { return }
    remotes[k].recent.note(outcome, seconds: seconds)
    note(requests: 1, failures: outcome == .failure ? 1 : 0, of: k, at: now)
  }

  private mutating func note(requests: Int, failures: Int, of k: Int, at now: Moment) {
    remotes[k].health.note(requests: requests, failures: failures, at: now)
    // Nothing more goes there from now on; the next plan sees to the rest.
    if remotes[k].health.isDown(at: now) { remotes[k].room.set(perMinute: 0) }
  }

  // MARK: Plans

  /// Learns where replicas stand.
  package mutating func arrange(local: Range<Int>, remote: (String) -> Range<Int>) {
    self.local = local
    for k in remotes.indices { remotes[k].positions = remote(remotes[k].name) }
  }

  /// How requests that stayed ended since the last time, for the next plan.
  package mutating func takeRecent(at now: Moment) -> Answers {
    defer { recent = Answers() }
    for k in remotes.indices {
      let answers = remotes[k].recent
      remotes[k].recent = Answers()
      // Failures that are not one after the other are seen only together; the others are noted already.
      if answers.count >= 3, answers.failures * 2 >= answers.count {
        note(requests: answers.count, failures: answers.failures, of: k, at: now)
      }
    }
    return recent
  }

  /// Goes by a plan from now on.
  package mutating func follow(_ plan: OverflowPlan, at now: Moment) {
    admission.set(perMinute: plan.admitted)
    picker.set(weights: plan.shares)
    retryAfter = plan.retryAfter
    for k in remotes.indices {
      remotes[k].room.set(perMinute: remotes[k].health.isDown(at: now) ? 0 : plan.rooms[k])
    }
  }
}

/// What a gate goes by for a while, all in requests per minute.
package struct OverflowPlan: Hashable, Sendable {
  /// What this selector lets in.
  package var admitted: Double
  /// What this selector sends to each neighbour at most.
  package var rooms: [Double]
  /// How the excess is shared out among them.
  package var shares: [Double]
  /// When somebody who is turned away may try again, in milliseconds.
  package var retryAfter: UInt32
}
