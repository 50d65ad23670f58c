package import Model

/// Makes the plans that an ``OverflowGate`` goes by: a new one each second, and whenever a neighbour says what room it has.
package struct OverflowPlanner: Sendable {
  /// The least time between two counts.
  package static let interval = Duration.seconds(1)
  /// Over so many counts what a neighbour bears is found: the sum of what it was sent and what it had room for. What it
  /// says is about a second or two before, so that a single one would make requests go to and fro.
  private static let window = 5
  /// How fast the room of a neighbour is believed to grow, as a share of what it says, in a second.
  private static let roomRise = 0.2
  /// No more requests are believed to come to another selector than so many times what the cluster bears: what one says
  /// lowers what all others admit.
  private static let mostOfPeer = 10.0
  /// The part of a second's count in what a selector says of its requests.
  private static let weightOfLatest = 0.5

  package let overflow: ServiceOverflow
  private var governor: SplitGovernor
  private var headrooms: [Headroom?]
  private var last: (time: Moment, arrivals: UInt64, received: UInt64, sent: [UInt64])?
  /// What was sent to each neighbour, and what room each said it had, in requests per minute, in the last seconds; the
  /// latest last.
  private var sent: [[Double]] = []
  private var heard: [[Double?]] = []
  private var rooms: [Double]
  private var remotes: [OverflowGate.Remote] = []
  private var remoteReady: [Int] = []
  /// Requests that come here, and those of them that another cluster sent, in requests per minute.
  package private(set) var own = PeerArrivals()
  /// All that come to the cluster.
  private var all = PeerArrivals()
  private var selectors = 1
  /// Whether anything comes here to other ports of the service.
  private var hasSiblings = false
  /// What the policy says that the replicas there are bear together.
  private var given = 0.0

  /// Makes a planner; what neighbours told one before it still holds.
  package init(_ overflow: ServiceOverflow, after before: OverflowPlanner? = nil) {
    self.overflow = overflow
    governor = SplitGovernor(overflow.settings)
    headrooms = overflow.neighbours.map { neighbour in
      before?.overflow.neighbours.firstIndex { $0.name == neighbour.name }.flatMap { before?.headrooms[$0] }
    }
    rooms = []
  }

  /// Whether it is time to count.
  package func isDue(at now: Moment) -> Bool {
    last.map { now.seconds(since: $0.time) >= Self.interval / .seconds(1) } ?? true
  }

  /// Hears what room a neighbour has, nil for nothing more; answers whether it is one.
  package mutating func hear(_ headroom: Headroom?, of name: String, at now: Moment) -> Bool {
    guard let k = overflow.neighbours.firstIndex(where: { $0.name == name }) else { return false }
    // What is known anew is believed at once.
    if (headrooms[k]?.trust(at: now) ?? 0) <= 0, rooms.indices.contains(k) { rooms[k] = 0 }
    headrooms[k] = headroom?.capped(by: overflow.neighbours[k].capacity)
    learnRooms(seconds: 0, at: now)
    return true
  }

  /// Learns which replicas there are, and which neighbours answer.
  package mutating func look(_ figures: OverflowFigures, at now: Moment) {
    for k in figures.remoteReady.indices where remoteReady.indices.contains(k) && rooms.indices.contains(k) {
      // One that had no replica has all its room at once.
      if remoteReady[k] == 0, figures.remoteReady[k] > 0 { rooms[k] = 0 }
    }
    remotes = figures.remotes
    remoteReady = figures.remoteReady
    // Without a replica that takes requests there is no capacity, whatever the policy says.
    given = figures.open > 0 ? overflow.capacity.perMinute(readyPods: figures.ready) : 0
    learnRooms(seconds: 0, at: now)
  }

  /// Counts what happened since the last time.
  ///
  /// - Parameters:
  ///   - answers: how requests ended meanwhile that stayed.
  ///   - peers: what each of the other selectors of the own cluster says of all ports of the service.
  ///   - siblings: what comes here to the service's other ports, all together.
  package mutating func count(
    _ figures: OverflowFigures, _ answers: OverflowGate.Answers, peers: [PeerArrivals], siblings: PeerArrivals,
    at now: Moment
  ) {
    look(figures, at: now)
    let seconds = last.map { now.seconds(since: $0.time) } ?? 0
    selectors = peers.count + 1
    hasSiblings = siblings.perMinute > 0
    var counted: Double?
    if let last, seconds > 0 {
      func rate(_ now: UInt64, _ before: UInt64) -> Double { Double(now &- min(before, now)) * 60 / seconds }
      let arrived = rate(figures.arrivals, last.arrivals)
      counted = arrived
      let received = rate(figures.received, last.received)
      let weight = sent.isEmpty ? 1 : Self.weightOfLatest
      own.perMinute += weight * (arrived - own.perMinute)
      own.receivedPerMinute += weight * (received - own.receivedPerMinute)
      sent.append(zip(figures.sent, last.sent).map { rate($0, $1) })
      heard.append(headrooms.map { $0.flatMap { $0.trust(at: now) > 0 ? $0.perMinute : nil } })
      if sent.count > Self.window {
        sent.removeFirst()
        heard.removeFirst()
      }
    }
    last = (now, figures.arrivals, figures.received, figures.sent)
    let most = Self.mostOfPeer * given
    all = own
    for others in peers + [siblings] { all.add(others.capped(at: most)) }
    if let counted {
      let mean = answers.count > 0 ? answers.seconds / Double(answers.count) : nil
      let failed = answers.count > 0 ? Double(answers.failures) / Double(answers.count) : nil
      _ = governor.decide(
        Observation(
          demandPerMinute: counted + all.perMinute - own.perMinute, seconds: seconds, capacityPerMinute: given,
          responseSeconds: mean, errorShare: failed, neighbours: neighbours(at: now)), at: now)
    }
    learnRooms(seconds: seconds, at: now)
  }

  /// What the cluster is trusted with.
  private var capacity: Double { given * governor.trustedCapacity }

  /// The plan as things stand.
  package func plan(at now: Moment) -> OverflowPlan {
    let neighbours = neighbours(at: now)
    // A second that brought one more than the capacity shows how whatever is too much is shared out.
    let demand = max(all.perMinute, capacity * 1.001 + 1)
    let split = Split(
      demand: demand, capacity: capacity, neighbours: neighbours, settings: overflow.settings, at: now)
    let served = capacity + rooms.reduce(0, +)
    let seconds = served > 0 ? min(30, max(1, (all.perMinute / served).rounded(.up))) : 30
    return OverflowPlan(
      admitted: admitted, rooms: rooms.map { $0 * part }, shares: split.remote,
      retryAfter: UInt32(saturating: seconds * 1000))
  }

  /// Whether others share the capacity.
  private var isShared: Bool { selectors > 1 || hasSiblings }

  /// This selector's and port's part of the requests that come to the cluster, 0…1.
  private var part: Double {
    guard isShared else { return 1 }
    guard all.perMinute > 0 else { return 1 / Double(selectors) }
    return min(1, max(own.perMinute / all.perMinute, 0.01))
  }

  /// What this selector lets in: what comes to it and an equal part of what nobody uses, which is there for whichever of its
  /// ports needs it; where there is too much, its part of the capacity.
  private var admitted: Double {
    guard isShared else { return capacity }
    let unused = capacity - all.perMinute
    return unused >= 0 ? own.perMinute + unused / Double(selectors) : capacity * part
  }

  /// How things stand.
  package func status(_ gate: OverflowGate, at now: Moment) -> OverflowStatus {
    let lately = sent.last
    return OverflowStatus(
      cluster: overflow.cluster, isDryRun: overflow.isDryRun, arrivals: gate.arrivals, received: gate.received,
      shed: gate.shed, demandPerMinute: governor.demandPerMinute ?? all.perMinute,
      receivedPerMinute: all.receivedPerMinute, capacityPerMinute: capacity, admittedPerMinute: admitted,
      neighbours: overflow.neighbours.indices.map { k in
        let (remote, headroom) = (gate.remotes[k], headrooms[k])
        return OverflowStatus.Neighbour(
          name: remote.name, sent: remote.sent, sentPerMinute: lately?[k] ?? 0,
          headroomPerMinute: headroom.flatMap { $0.trust(at: now) > 0 ? $0.perMinute : nil },
          roomPerMinute: remote.room.perMinute, isDown: remote.health.isDown(at: now))
      })
  }

  private func neighbours(at now: Moment) -> [Neighbour] {
    overflow.neighbours.indices.map { k in
      let given = overflow.neighbours[k]
      var neighbour = Neighbour(name: given.name, cost: given.cost, limitPerMinute: given.limitPerMinute)
      let lately = lately(k)
      neighbour.sentPerMinute = lately.sent / part
      neighbour.headroom = headrooms[k]
      if let headroom = lately.headroom { neighbour.headroom?.perMinute = headroom }
      if remotes.indices.contains(k) { neighbour.health = remotes[k].health }
      if let capacity = given.capacity, (headrooms[k]?.trust(at: now) ?? 0) <= 0 {
        let bears = capacity.perMinute(readyPods: remoteReady.indices.contains(k) ? remoteReady[k] : 0)
        neighbour.headroom = Headroom(
          perMinute: bears - (neighbour.sentPerMinute ?? 0), at: now, lifetime: .seconds(3600))
      }
      return neighbour
    }
  }

  /// What a neighbour was sent lately by this selector, and what room it said it had then, nil where it said nothing; in
  /// requests per minute.
  private func lately(_ k: Int) -> (sent: Double, headroom: Double?) {
    guard let last = sent.last else { return (0, nil) }
    // From when on it has said something without a break.
    let start = (heard.lastIndex { $0[k] == nil } ?? -1) + 1
    guard start < heard.count else { return (last[k], nil) }
    let count = Double(heard.count - start)
    let sum = zip(sent[start...], heard[start...]).reduce((0.0, 0.0)) { ($0.0 + $1.0[k], $0.1 + ($1.1[k] ?? 0)) }
    return (sum.0 / count, sum.1 / count)
  }

  /// What there is room for at each neighbour. Less is believed at once, more bit by bit.
  private mutating func learnRooms(seconds: Double, at now: Moment) {
    let neighbours = neighbours(at: now)
    let said = neighbours.indices.map { k in
      remoteReady.indices.contains(k) && remoteReady[k] == 0 ? 0 : neighbours[k].room(overflow.settings, at: now)
    }
    guard rooms.count == said.count else {
      rooms = said
      return
    }
    for k in said.indices {
      rooms[k] = rooms[k] == 0 ? said[k] : min(said[k], rooms[k] + Self.roomRise * min(seconds, 5) * said[k])
    }
  }
}
