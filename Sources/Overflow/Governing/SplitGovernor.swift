public import Model

/// Decides step by step how the requests of one service are split: out as soon as there is too much, back slowly, and
/// nowhere else while nothing changes but chance.
///
/// What stays is what the capacity allows: `local = capacity / demand`, the rest goes to neighbours by cost.
public struct SplitGovernor: Hashable, Sendable {
  /// What it works by.
  public var settings: OverflowSettings
  /// What it decided last.
  public private(set) var split: Split
  private var demand = DemandEstimate()
  private var distress = Distress()
  private var rooms: [Double] = []
  /// What each neighbour was sent in the last steps, in requests per minute: the latest last.
  private var sent: [[Double]] = []
  private var last: Moment?
  /// Since when less would have been enough.
  private var enoughSince: Moment?

  /// The steps that a neighbour's headroom may be behind.
  private static let lag = 3
  /// How fast a neighbour's room grows again that had less, as a share of what it says, in a second.
  private static let roomRise = 0.05

  /// Makes a governor that keeps everything at home, or one that takes up a split that was found. It counts for four
  /// steps before it changes anything.
  public init(_ settings: OverflowSettings = OverflowSettings(), split: Split = .home(neighbours: 0)) {
    self.settings = settings
    self.split = split
  }

  /// Requests per minute as it takes them to be; nil before the first observation.
  public var demandPerMinute: Double? { demand.perSecond.map { $0 * 60 } }

  /// The part of its capacity that the cluster is trusted with, 0…1: less than 1 after distress.
  public var trustedCapacity: Double { distress.part }

  /// Decides about the next step. What a neighbour was sent, where nobody counted it, is what was decided lately. The
  /// times of calls must not run backwards; what is not a number counts as not said.
  public mutating func decide(_ observation: Observation, at now: Moment) -> Split {
    // The first step, and one after a pause or a clock that jumped, counts as a second.
    let since = last.map { now.seconds(since: $0) } ?? 1
    let elapsed = since > 0 && since <= 10 ? since : (since > 10 ? 1 : 0)
    last = max(last ?? now, now)
    let neighbours = observation.neighbours
    if split.remote.count != neighbours.count {
      split = .home(neighbours: neighbours.count)
      sent = []
    }

    demand.note(requests: observation.demandPerMinute / 60 * observation.seconds, seconds: observation.seconds)
    guard demand.isSettled else { return split }
    let demand = (demand.perSecond ?? 0) * 60
    let given = observation.capacityPerMinute >= 0 ? observation.capacityPerMinute : 0
    if given > 0 {
      distress.note(
        utilization: min(demand, .greatestFiniteMagnitude) * split.local / given,
        responseSeconds: observation.responseSeconds, errorShare: observation.errorShare, elapsed: elapsed, settings)
    }
    learnRooms(neighbours, elapsed: elapsed, at: now)
    let away = paced(wanted(demand, given * distress.part), elapsed: elapsed, at: now)
    share(away, demand, neighbours, at: now)
    sent.append(split.remote.map { $0 * demand })
    if sent.count > Self.lag { sent.removeFirst() }
    return split
  }

  /// The share that is to leave, if nothing had to be paced.
  private func wanted(_ demand: Double, _ capacity: Double) -> Double {
    guard demand > 0, capacity < .infinity else { return 0 }
    let excess = 1 - capacity / demand
    if excess > 0 { return min(1, excess) }
    // What has once begun ends only when there is some room.
    return demand > capacity * (1 - settings.hysteresis) ? min(split.out + split.shed, settings.hysteresis) : 0
  }

  private mutating func paced(_ wanted: Double, elapsed: Double, at now: Moment) -> Double {
    let away = split.out + split.shed
    if wanted > away + settings.deadBand || (wanted > 0 && away == 0) {
      enoughSince = nil
      return min(wanted, away + settings.stepOut * max(elapsed, 1))
    }
    guard wanted < away - settings.deadBand || (wanted == 0 && away > 0) else {
      enoughSince = nil
      return away
    }
    let since = enoughSince ?? now
    enoughSince = since
    guard now.seconds(since: since) >= settings.holdSeconds else { return away }
    return max(wanted, away - settings.stepBack * elapsed)
  }

  /// A neighbour that has less has less at once; more is believed bit by bit, or noise would move requests to and fro.
  private mutating func learnRooms(_ neighbours: [Neighbour], elapsed: Double, at now: Moment) {
    let said = neighbours.indices.map { k in
      var neighbour = neighbours[k]
      // The least of the last steps: its headroom may be from before the others.
      if neighbour.sentPerMinute == nil { neighbour.sentPerMinute = sent.map { $0[k] }.min() }
      return neighbour.room(settings, at: now)
    }
    guard rooms.count == said.count else {
      rooms = said
      return
    }
    for k in said.indices {
      let isBack = rooms[k] == 0
      rooms[k] = isBack ? said[k] : min(said[k], rooms[k] + Self.roomRise * elapsed * said[k])
    }
  }

  private mutating func share(_ away: Double, _ demand: Double, _ neighbours: [Neighbour], at now: Moment) {
    let before = split
    guard away > 0, demand > 0 else {
      split = .home(neighbours: neighbours.count)
      return
    }
    let (taken, rest) = Split.pour(away * demand, into: neighbours, rooms: rooms, at: now)
    let new = Split(local: 1 - away, remote: taken.map { $0 / demand }, shed: rest / demand)
    let change = zip(new.remote, before.remote).map { abs($0 - $1) }.max() ?? 0
    let isTooMuch = zip(before.remote, rooms).contains { $0 > 0 && $0 * demand > $1 * 1.02 + 1e-9 }
    if isTooMuch || change > settings.deadBand || abs(new.local - before.local) > 1e-9 { split = new }
  }
}
