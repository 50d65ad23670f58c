import Foundation
import Model
import Selection

/// One run: a scenario at a load, with a policy and a seed, event by event in virtual time.
///
/// What arrives, how much work it is and what servers' neighbours do depends on the seed alone, so that policies are
/// compared in the same world. Clients' streams of requests are one stream whose requests go to a client by chance, which
/// is the same.
struct SimulationRun<Policy: SelectionPolicy> {
  private struct Request {
    var arrived: Moment
    /// Seconds at speed 1.
    var work: Double
    var client: Int
    var pick: Pick?
    var isOver = false
    /// Requests in flight at the server when this one came, and when it came.
    var others = 0
    var delivered = Moment.start
  }

  private let scenario: Scenario
  private let policy: SimulatedPolicy
  private let load: Double
  private let clients: Int
  private var clientPlaces: [Place] = []
  private let seed: Int
  private var servers: [SimulatedServer] = []
  private var replicas: [Replica] = []
  private var ids: [ReplicaID] = []
  private var serverOfSlot: [Int] = []
  private var selectors: [ReplicaSelector<Policy>] = []
  private var requests: [Request] = []
  private var oldest = 0
  private var reports: [LoadReport] = []
  private var events = EventQueue<Event>()
  private var arrivals: SeededGenerator
  private var probes: SeededGenerator
  private let rate: Double
  private let endSeconds: Double
  private var errors = 0
  private var latencies: [Double] = []

  /// - Parameter makePolicy: Makes the policy of a selector from a seed.
  init(
    _ scenario: Scenario, _ policy: SimulatedPolicy, load: Double, seed: Int, selectors count: Int?,
    makePolicy: (UInt64) -> Policy
  ) {
    self.scenario = scenario
    self.policy = policy
    self.load = load
    clients = scenario.clients[0]
    self.seed = seed
    let base = UInt64(truncatingIfNeeded: seed) &* 1_000_003
    arrivals = SeededGenerator(seed: base)
    probes = SeededGenerator(seed: base &+ 7)
    rate = load * scenario.requestsPerSecond
    endSeconds = scenario.warmUpSeconds + scenario.measuredSeconds

    for group in scenario.servers {
      for k in 0..<group.count {
        let n = servers.count
        servers.append(SimulatedServer(group, seed: base &+ 17 &+ UInt64(n)))
        replicas.append(
          Replica(
            name: "server-\(n)", node: group.nodes.isEmpty ? nil : group.nodes[k % group.nodes.count],
            zone: group.zone, concurrency: group.tellsCores || policy.isOmniscient ? group.cores : nil))
      }
    }
    for k in 0..<(count ?? (policy.isShared ? 1 : clients)) {
      let own = base &+ 100_003 &+ UInt64(truncatingIfNeeded: k)
      var options = SelectorOptions()
      // An oracle needs no rest for others.
      if policy.isOmniscient { options.ejection.failuresInARow = 0 }
      var selector = ReplicaSelector(makePolicy(own), options: options, seed: own)
      selector.replace(with: replicas, at: .start)
      clientPlaces = scenario.clientNodes.map { Place(node: $0.node, zone: $0.zone) }
      selectors.append(selector)
    }
    ids = replicas.compactMap { selectors[0].table.id(of: $0.name) }
    serverOfSlot = Array(repeating: 0, count: ids.count)
    for (server, id) in ids.enumerated() { serverOfSlot[id.slot] = server }
  }

  /// Runs to the end.
  mutating func result() -> RunResult {
    for server in servers.indices {
      if let seconds = servers[server].draw() {
        events.push(Event(at: Moment.seconds(seconds), kind: .noise, server: server))
      }
      tellOracle(server, at: .start)
    }
    startReports()
    if policy.isShared, selectors.count > 1 {
      events.push(Event(at: Moment.seconds(scenario.digestMs / 1e3), kind: .digest))
    }
    events.push(Event(at: Moment.seconds(exponential(1 / rate)), kind: .arrival))
    while let event = events.pop() {
      giveUp(at: event.at)
      switch event.kind {
      case .arrival: arrive(at: event.at)
      case .delivery: deliver(event.request, at: event.at)
      case .service: finish(event.request, event.server, at: event.at)
      case .answer: answer(event.request, .success, at: event.at)
      case .noise: redraw(event.server, at: event.at)
      case .report: report(event.server, at: event.at)
      case .hearing: hear(event.request, of: event.server, at: event.at)
      case .digest: exchange(at: event.at)
      }
    }
    giveUp(at: Moment(nanoseconds: .max))
    let measured = requests.count { $0.arrived.seconds >= scenario.warmUpSeconds }
    return RunResult(policy, load: load, seed: seed, requests: measured, errors: errors, latencies: latencies)
  }

  private mutating func exponential(_ mean: Double) -> Double { -mean * log(1 - arrivals.unit()) }

  private mutating func arrive(at now: Moment) {
    guard now.seconds < endSeconds else { return }
    events.push(Event(at: .seconds(now.seconds + exponential(1 / rate)), kind: .arrival))
    let client = arrivals.below(clients)
    let number = requests.count
    requests.append(Request(arrived: now, work: exponential(scenario.workMs / 1000), client: client))
    // Policies of sidecars do without places, as a plain Service does.
    let request = PickRequest(from: policy.isShared ? place(of: client) : .unknown)
    guard let pick = selectors[client % selectors.count].pick(request, at: now) else {
      return end(number, .failure, at: now)
    }
    requests[number].pick = pick
    probe(client % selectors.count, at: now)
    let delay = self.delay(pick, client)
    if delay > 0 {
      events.push(Event(at: .seconds(now.seconds + delay), kind: .delivery, request: number))
    } else {
      deliver(number, at: now)
    }
  }

  private func place(of client: Int) -> Place {
    clientPlaces.isEmpty ? .unknown : clientPlaces[client % clientPlaces.count]
  }

  /// Seconds from a client to a replica.
  private func delay(_ pick: Pick, _ client: Int) -> Double {
    let tier = selectors[0].table.tier(of: pick.replica.slot, from: place(of: client))
    return scenario.networkMs[tier.rawValue] / 2000
  }

  private mutating func deliver(_ number: Int, at now: Moment) {
    guard let pick = requests[number].pick else { return }
    let server = serverOfSlot[pick.replica.slot]
    if servers[server].fails() { return answer(number, .failure, at: now) }
    requests[number].others = servers[server].inFlight
    requests[number].delivered = now
    if servers[server].take(number) { start(number, server, at: now) }
    tellOracle(server, at: now)
  }

  private mutating func start(_ number: Int, _ server: Int, at now: Moment) {
    let seconds = requests[number].work / servers[server].speed
    events.push(Event(at: .seconds(now.seconds + seconds), kind: .service, server: server, request: number))
  }

  private mutating func finish(_ number: Int, _ server: Int, at now: Moment) {
    servers[server].note(seconds: now.seconds(since: requests[number].delivered), others: requests[number].others)
    if let next = servers[server].next() { start(next, server, at: now) }
    tellOracle(server, at: now)
    let delay = requests[number].pick.map { self.delay($0, requests[number].client) } ?? 0
    if delay > 0 {
      events.push(Event(at: .seconds(now.seconds + delay), kind: .answer, request: number))
    } else {
      answer(number, .success, at: now)
    }
  }

  private mutating func answer(_ number: Int, _ outcome: Outcome, at now: Moment) {
    guard !requests[number].isOver else { return }
    if policy.hearsWithAnswers, let pick = requests[number].pick {
      let server = serverOfSlot[pick.replica.slot]
      selectors[requests[number].client % selectors.count].report(servers[server].report, of: ids[server], at: now)
    }
    end(number, outcome, at: now)
  }

  /// Ends requests that are out for too long. They end in the order in which they arrived, so that one look each is
  /// enough.
  private mutating func giveUp(at now: Moment) {
    let timeout = Int64(saturating: scenario.timeoutSeconds * 1e9)
    while oldest < requests.count, now.nanoseconds - requests[oldest].arrived.nanoseconds >= timeout {
      if !requests[oldest].isOver {
        let deadline = Moment(nanoseconds: requests[oldest].arrived.nanoseconds + timeout)
        note(oldest, latency: scenario.timeoutSeconds, isError: true)
        complete(oldest, .failure, at: deadline)
      }
      oldest += 1
    }
  }

  private mutating func end(_ number: Int, _ outcome: Outcome, at now: Moment) {
    let isError = outcome == .failure
    note(number, latency: isError ? nil : now.seconds(since: requests[number].arrived), isError: isError)
    complete(number, outcome, at: now)
  }

  private mutating func complete(_ number: Int, _ outcome: Outcome, at now: Moment) {
    requests[number].isOver = true
    guard let pick = requests[number].pick else { return }
    selectors[requests[number].client % selectors.count].complete(pick, outcome, at: now)
  }

  private mutating func note(_ number: Int, latency: Double?, isError: Bool) {
    guard requests[number].arrived.seconds >= scenario.warmUpSeconds else { return }
    if isError { errors += 1 }
    if let latency { latencies.append(latency) }
  }

  /// Asks servers by chance for their load, where the policy wants that. Answers are there at once: in time for the next
  /// pick.
  private mutating func probe(_ selector: Int, at now: Moment) {
    for _ in 0..<selectors[selector].policy.probesPerPick {
      let server = probes.below(servers.count)
      selectors[selector].report(servers[server].report, of: ids[server], at: now)
    }
  }

  private mutating func redraw(_ server: Int, at now: Moment) {
    guard now.seconds < endSeconds + scenario.timeoutSeconds, let seconds = servers[server].draw() else { return }
    tellOracle(server, at: now)
    events.push(Event(at: .seconds(now.seconds + seconds), kind: .noise, server: server))
  }

  private mutating func tellOracle(_ server: Int, at now: Moment) {
    guard policy.isOmniscient else { return }
    let hopeless = servers[server].group.failureShare > 0
    // Longer than anything else, yet a number.
    let seconds = hopeless ? 1e9 : scenario.workMs / 1000 / servers[server].speed
    for k in selectors.indices {
      let report = LoadReport(inFlight: servers[server].inFlight, latencySeconds: seconds)
      selectors[k].report(report, of: ids[server], at: now)
    }
  }

  /// Servers report by turns, not all at once.
  private mutating func startReports() {
    guard let timing = scenario.reports, policy.isShared, !policy.isOmniscient else { return }
    for server in servers.indices {
      let seconds = timing.everyMs / 1e3 * Double(server + 1) / Double(servers.count)
      events.push(Event(at: Moment.seconds(seconds), kind: .report, server: server))
    }
  }

  private mutating func report(_ server: Int, at now: Moment) {
    guard let timing = scenario.reports, now.seconds < endSeconds + scenario.timeoutSeconds else { return }
    reports.append(servers[server].report)
    let arrival = Moment.seconds(now.seconds + timing.delayMs / 1e3)
    events.push(Event(at: arrival, kind: .hearing, server: server, request: reports.count - 1))
    events.push(Event(at: .seconds(now.seconds + timing.everyMs / 1e3), kind: .report, server: server))
  }

  private mutating func hear(_ report: Int, of server: Int, at now: Moment) {
    for k in selectors.indices { selectors[k].report(reports[report], of: ids[server], at: now) }
  }

  /// Each selector learns what the others have in flight.
  private mutating func exchange(at now: Moment) {
    guard now.seconds < endSeconds + scenario.timeoutSeconds else { return }
    for id in ids {
      let inFlight = selectors.map { $0.table.inFlight(id.slot) }
      let total = inFlight.reduce(0, +)
      for k in selectors.indices { selectors[k].report(others: total - inFlight[k], at: id, at: now) }
    }
    events.push(Event(at: .seconds(now.seconds + scenario.digestMs / 1e3), kind: .digest))
  }
}
