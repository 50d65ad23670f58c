package import Fleet
package import Model
package import Overflow

/// One policy's course from round to round: what is known goes in, what the weights are to be comes out. It has no I/O and
/// no clock.
///
/// It steers while there are fresh measurements, and leaves the weights as they are where there are none; when that has
/// gone on for long enough, and the service is there, everything goes home. What it finds when it begins it takes up.
package struct PolicyCourse: Sendable {
  /// Where the course is.
  package enum Phase: String, Hashable, Sendable {
    /// Nothing has been measured yet.
    case waiting
    /// Measurements say where requests go.
    case steering
    /// There are no measurements; weights stay.
    case holding
    /// There have been none for so long that everything stays here.
    case home
  }

  /// What is known in a round.
  package struct Inputs: Sendable {
    /// What was counted; nil where nothing was.
    package var measurement: DemandMeasurement?
    /// How many of the service's pods are ready; nil where that is not known.
    package var readyPods: Int?
    /// What neighbours said, by their names.
    package var headrooms: [String: Headroom]
    /// Why the service was not measured; nil where nobody says.
    package var missing: String?
    /// Neighbours that the route has no destination of: nothing can be sent there.
    package var unreachable: Set<String> = []

    /// Makes inputs.
    package init(measurement: DemandMeasurement?, readyPods: Int? = nil, headrooms: [String: Headroom] = [:]) {
      self.measurement = measurement
      self.readyPods = readyPods
      self.headrooms = headrooms
    }
  }

  /// What comes out of a round.
  package struct Decision: Hashable, Sendable {
    /// Where the course is.
    package var phase: Phase
    /// Where requests are to go; not to be acted on where ``isToBeWritten`` is not set.
    package var split: Split
    /// Whether weights are to be as ``split`` has them. They stay as they are where not.
    package var isToBeWritten: Bool
    /// The requests per minute before they are split, as they are taken to be; nil where that is not known.
    package var demandPerMinute: Double?
    /// The requests per minute that the service is trusted to bear here.
    package var capacityPerMinute: Double
    /// What is known of each neighbour, in the policy's order.
    package var neighbours: [Neighbour]
    /// The neighbours that fail, and get a trickle at most.
    package var failing: Set<String>
    /// Why there is no measurement to go by; nil where there is one, or nobody says.
    package var missing: String?
  }

  /// More than this often what there was before is taken for a mistake, as long as it does not last.
  private static let leap = 20.0
  /// The rounds in a row after which a leap is believed.
  private static let leapsToBelieve = 3
  /// So many requests must have gone to a neighbour before it is strange that whoever counts has seen none.
  private static let sightings = 20.0
  /// The most that one round adds to the time without measurements, in seconds: however a clock or a process jumps, a few
  /// rounds have to go by.
  private static let longestSilence = 3.0

  /// Where the course is.
  package private(set) var phase = Phase.waiting
  private var governor: SplitGovernor
  private var names: [String]
  private var health: [String: RemoteHealth] = [:]
  /// For how long there were no measurements, in seconds.
  private var silence = 0.0
  private var leaps = 0
  private var last: Moment?
  private var spec: OverflowPolicy.Spec
  /// The requests that were sent to each neighbour of which none was seen.
  private var sentUnseen: [String: Double] = [:]

  /// Begins a course.
  ///
  /// - Parameters:
  ///   - policy: what is wanted.
  ///   - split: where requests go at present; nil where that is not known. Where there is no route and the policy wants one
  ///     made, it begins with everything at home.
  package init(_ policy: OverflowPolicy, split: Split?) {
    names = policy.spec.neighbours.map(\.name)
    spec = policy.spec
    governor = SplitGovernor(policy.spec.limits, split: split ?? .home(neighbours: names.count))
    if split == nil, policy.spec.route?.own != nil { phase = .home }
  }

  /// Goes on by a round.
  package mutating func step(_ policy: OverflowPolicy, _ inputs: Inputs, at now: Moment) -> Decision {
    follow(policy)
    let elapsed = last.map { min(max(0, now.seconds(since: $0)), Self.longestSilence) } ?? 0
    last = max(last ?? now, now)
    // Without a pod there is nobody to bear anything, whatever the figure says.
    let capacity = inputs.readyPods == 0 ? 0 : policy.spec.capacity.perMinute(readyPods: inputs.readyPods ?? 0)
    let isCapacityKnown = policy.spec.capacity.isFixed || inputs.readyPods != nil

    let (measurement, blindness) = completed(inputs.measurement, elapsed: elapsed)
    guard let measurement, blindness == nil, isCapacityKnown, believes(measurement, capacity) else {
      silence += elapsed
      if silence * 1e9 >= policy.spec.safeAfter / .nanoseconds(1), inputs.readyPods != 0 {
        phase = .home
      } else if phase == .steering {
        phase = .holding
      }
      let split = phase == .home ? Split.home(neighbours: names.count) : governor.split
      return Decision(
        phase: phase, split: split, isToBeWritten: phase == .home, demandPerMinute: nil, capacityPerMinute: capacity,
        neighbours: neighbours(policy, inputs, at: now), failing: failing(at: now), missing: blindness ?? inputs.missing
      )
    }
    silence = 0
    if phase == .home { governor = SplitGovernor(policy.spec.limits, split: .home(neighbours: names.count)) }
    phase = .steering
    note(measurement.outcomes, at: now)
    let neighbours = neighbours(policy, inputs, at: now)
    let observation = Observation(
      demandPerMinute: measurement.demandPerMinute, seconds: measurement.seconds, capacityPerMinute: capacity,
      responseSeconds: measurement.responseSeconds, errorShare: measurement.errorShare, neighbours: neighbours)
    var split = governor.decide(observation, at: now)
    if let shares = measurement.shares, policy.spec.mode == .perRequest {
      split = Split(local: shares.local, remote: shares.remote, shed: shares.shed)
    }
    return Decision(
      phase: phase, split: split, isToBeWritten: true, demandPerMinute: governor.demandPerMinute,
      capacityPerMinute: capacity * governor.trustedCapacity, neighbours: neighbours, failing: failing(at: now))
  }

  private func failing(at now: Moment) -> Set<String> {
    Set(health.filter { $0.value.state(at: now) != .healthy }.keys)
  }

  /// Takes up what the policy says now. Shares stay with the neighbours that stay.
  private mutating func follow(_ policy: OverflowPolicy) {
    let wanted = policy.spec.neighbours.map(\.name)
    if wanted != names {
      let before = Dictionary(zip(names, governor.split.remote)) { $1 }
      let remote = wanted.map { before[$0] ?? 0 }
      let shed = governor.split.shed
      let split = Split(local: max(0, 1 - shed - remote.reduce(0, +)), remote: remote, shed: shed)
      governor = SplitGovernor(policy.spec.limits, split: split)
      names = wanted
      health = health.filter { wanted.contains($0.key) }
    }
    governor.settings = policy.spec.limits
    if spec != policy.spec { sentUnseen = [:] }
    spec = policy.spec
  }

  /// Adds to a measurement what by the weights goes to neighbours of which no request was seen yet.
  ///
  /// Answers, too, why it is half a count all the same: so many requests went to one of them that some should have been seen. It
  /// stays so until one is, or the policy is another.
  private mutating func completed(
    _ measurement: DemandMeasurement?, elapsed: Double
  ) -> (measurement: DemandMeasurement?, blindness: String?) {
    guard var measurement else { return (nil, nil) }
    let shares = zip(names, governor.split.remote).filter { measurement.unseen.contains($0.0) && isSending }
    let seen = 1 - shares.reduce(0) { $0 + $1.1 }
    if measurement.isSound, seen > 1e-3 {
      measurement.demandPerMinute /= seen
      for (name, share) in shares {
        sentUnseen[name, default: 0] += measurement.demandPerMinute / 60 * elapsed * share
      }
    }
    sentUnseen = sentUnseen.filter { measurement.unseen.contains($0.key) }
    guard let name = names.first(where: { sentUnseen[$0, default: 0] >= Self.sightings }) else {
      return (measurement, nil)
    }
    return (measurement, "requests go to neighbour \(name), and whoever counts sees none of them: demand is not known")
  }

  /// Whether requests are split as the governor says.
  private var isSending: Bool { phase != .home && !spec.isDryRun && spec.mode == .weights }

  /// Whether a measurement can be true: a sudden leap is not, unless it stays.
  private mutating func believes(_ measurement: DemandMeasurement, _ capacity: Double) -> Bool {
    guard measurement.isSound else { return false }
    let usual = max(governor.demandPerMinute ?? 0, capacity, 60)
    leaps = measurement.demandPerMinute > Self.leap * usual ? leaps + 1 : 0
    return leaps == 0 || leaps >= Self.leapsToBelieve
  }

  private mutating func note(_ outcomes: [String: DemandMeasurement.Outcome], at now: Moment) {
    for (name, outcome) in outcomes where outcome.requests >= 0.5 {
      health[name, default: RemoteHealth()].note(
        requests: Int(saturating: outcome.requests.rounded()), failures: Int(saturating: outcome.failures.rounded()),
        at: now)
    }
  }

  private func neighbours(_ policy: OverflowPolicy, _ inputs: Inputs, at now: Moment) -> [Neighbour] {
    policy.spec.neighbours.enumerated().map { k, spec in
      var neighbour = Neighbour(
        name: spec.name, cost: spec.cost, headroom: inputs.headrooms[spec.name]?.capped(by: spec.capacity),
        limitPerMinute: inputs.unreachable.contains(spec.name) ? 0 : spec.limitPerMinute)
      if neighbour.headroom == nil, let capacity = spec.capacity {
        // What it is known to have, less what it gets of us: it says nothing of others.
        let sent =
          (governor.demandPerMinute ?? 0) * (governor.split.remote.indices.contains(k) ? governor.split.remote[k] : 0)
        neighbour.headroom = Headroom(
          perMinute: capacity.perMinute(readyPods: 1) - sent, at: now, lifetime: .seconds(10))
        neighbour.sentPerMinute = sent
      }
      neighbour.health = health[spec.name] ?? RemoteHealth()
      return neighbour
    }
  }
}

extension Capacity {
  /// Whether it is the same however many pods there are.
  fileprivate var isFixed: Bool {
    switch self {
    case .perMinute: true
    case .perPod: false
    }
  }
}
