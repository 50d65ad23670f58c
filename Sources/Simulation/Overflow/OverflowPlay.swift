import Foundation
import Model

/// A rush at an edge, event by event in virtual time.
struct OverflowPlay<Router: OverflowRouter> {
  private struct Event: Timed {
    enum Kind { case arrival, done, measurement, report }

    var at: Moment
    var kind: Kind
    var request = 0
  }

  private struct Request {
    var arrived: Moment
    var pod: Int
  }

  /// What was seen at the edge since the last measurement.
  private struct Tally {
    var arrived = 0
    var answers = 0
    var errors = 0
    var seconds = 0.0
  }

  /// Seconds over which the neighbour measures what it gets.
  private static var reported: Int { 3 }

  private let world: OverflowWorld
  private var router: Router
  private var pods: [SimulatedPod]
  private var turns = [0, 0]
  private var requests: [Request] = []
  private var events = EventQueue<Event>()
  private var arrivals: SeededGenerator
  private var jitter: SeededGenerator
  private var factor = (second: -1, value: 1.0)
  private var tally = Tally()
  /// What the neighbour got in each of the last seconds.
  private var received = [0.0]
  private var result: OverflowRun

  init(_ world: OverflowWorld, _ router: Router, seed: UInt64) {
    self.world = world
    self.router = router
    pods = (0..<2 * world.pods).map { SimulatedPod(world.pod, seed: seed &+ 17 &+ UInt64(truncatingIfNeeded: $0)) }
    arrivals = SeededGenerator(seed: seed)
    jitter = SeededGenerator(seed: seed &+ 5)
    result = OverflowRun(minutes: world.demand.minutes)
  }

  mutating func run() -> OverflowRun {
    let end = Moment.seconds(world.demand.minutes * 60)
    events.push(Event(at: .start, kind: .arrival))
    events.push(Event(at: Moment.seconds(router.period), kind: .measurement))
    events.push(Event(at: .seconds(1), kind: .report))
    while let event = events.pop() {
      switch event.kind {
      case .arrival:
        guard event.at < end else { continue }
        arrive(at: event.at)
        let gap = -log(1 - arrivals.unit()) * 60 / max(1e-9, world.demand.most)
        events.push(Event(at: .seconds(event.at.seconds + gap), kind: .arrival))
      case .done: finish(event.request, at: event.at)
      case .measurement:
        guard event.at < end else { continue }
        measure(at: event.at)
        events.push(Event(at: .seconds(event.at.seconds + router.period), kind: .measurement))
      case .report:
        guard event.at < end else { continue }
        report()
        events.push(Event(at: .seconds(event.at.seconds + 1), kind: .report))
      }
    }
    return result
  }

  /// A request may arrive: times are drawn for the highest rate, and thinned to the rate at the time.
  private mutating func arrive(at now: Moment) {
    let draw = arrivals.unit()
    let rate = world.demand.perMinute(atMinute: now.seconds / 60) * noise(at: now)
    guard draw * world.demand.most < rate else { return }
    tally.arrived += 1
    switch router.route(at: now) {
    case .here: send(to: 0, at: now)
    case .neighbour: send(to: 1, at: now)
    case .nowhere: result.note(arrived: now, .nowhere, seconds: nil, isError: true)
    }
  }

  private mutating func noise(at now: Moment) -> Double {
    guard world.demand.noise > 0 else { return 1 }
    let second = Int(saturating: now.seconds)
    if second != factor.second { factor = (second, 1 + world.demand.noise * (2 * jitter.unit() - 1)) }
    return factor.value
  }

  private mutating func send(to cluster: Int, at now: Moment) {
    let pod = cluster * world.pods + turns[cluster] % world.pods
    turns[cluster] += 1
    if cluster == 1 { received[received.count - 1] += 1 }
    let request = requests.count
    requests.append(Request(arrived: now, pod: pod))
    switch pods[pod].take(request) {
    case .started(let seconds): events.push(Event(at: .seconds(now.seconds + seconds), kind: .done, request: request))
    case .waits: break
    case .rejected: end(request, seconds: nil, isError: true)
    }
  }

  private mutating func finish(_ request: Int, at now: Moment) {
    let isRemote = requests[request].pod >= world.pods
    let seconds = now.seconds(since: requests[request].arrived) + (isRemote ? world.hopSeconds : 0)
    let isLate = seconds > world.pod.timeoutSeconds
    end(request, seconds: min(seconds, world.pod.timeoutSeconds), isError: isLate)
    if let next = pods[requests[request].pod].next() {
      events.push(Event(at: .seconds(now.seconds + next.seconds), kind: .done, request: next.request))
    }
  }

  private mutating func end(_ request: Int, seconds: Double?, isError: Bool) {
    let isRemote = requests[request].pod >= world.pods
    result.note(
      arrived: requests[request].arrived, isRemote ? .neighbour : .here, seconds: seconds, isError: isError)
    guard !isRemote else { return }
    tally.answers += 1
    if isError { tally.errors += 1 }
    tally.seconds += seconds ?? 0
  }

  private mutating func measure(at now: Moment) {
    let rate = received.reduce(0, +) * 60 / Double(received.count)
    let measurement = OverflowMeasurement(
      seconds: router.period, arrived: tally.arrived,
      responseSeconds: tally.answers > tally.errors ? tally.seconds / Double(tally.answers) : nil,
      errorShare: tally.answers > 0 ? Double(tally.errors) / Double(tally.answers) : nil,
      neighbour: NeighbourReport(headroom: world.capacityPerMinute - rate, received: rate))
    tally = Tally()
    router.learn(measurement, at: now)
    if let share = router.shareOut { result.shares.append(share) }
  }

  /// A second is over for the neighbour, which measures itself over the last three.
  private mutating func report() {
    received.append(0)
    if received.count > Self.reported { received.removeFirst() }
  }
}
