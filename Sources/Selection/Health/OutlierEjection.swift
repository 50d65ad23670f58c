import Model

/// Gives replicas a rest that fail much, and lets them back on probation: until one has served well for as long as its
/// rest was, a single failure sends it back for twice as long.
struct OutlierEjection: Sendable {
  private struct Health: Sendable {
    var failuresInARow: Int32 = 0
    /// How often it was ejected without serving well in between.
    var level: Int32 = 0
    /// How often it was ejected at all.
    var count: Int32 = 0
    /// The share of failures, fading by a sixteenth with each request.
    var failureShare = 0.0
    /// When it comes back, or came back.
    var until = Moment.start
    /// When its probation is over.
    var probationUntil = Moment.start
  }

  private let options: EjectionOptions
  private var health: [Health] = []
  private var resting: [Int] = []
  /// When the next replica comes back.
  private(set) var nextReturn = Moment(nanoseconds: .max)

  /// How many times any replica was ejected.
  private(set) var count = 0

  init(_ options: EjectionOptions) {
    self.options = options
  }

  /// Forgets slots that have new replicas.
  mutating func arrange(_ table: ReplicaTable, joined: [Int]) {
    while health.count < table.slotCount { health.append(Health()) }
    for slot in joined { health[slot] = Health() }
    resting.removeAll { !table.isEjected($0) }
    findNextReturn()
  }

  /// Notes an outcome. Answers whether the replica is to be ejected now; it then rests already.
  mutating func note(_ outcome: Outcome, _ slot: Int, in table: ReplicaTable, at now: Moment) -> Bool {
    guard outcome != .cancelled, options.failuresInARow > 0 else { return false }
    let isFailure = outcome == .failure
    health[slot].failureShare += ((isFailure ? 1 : 0) - health[slot].failureShare) / 16
    guard isFailure else {
      health[slot].failuresInARow = 0
      if health[slot].level > 0, now >= health[slot].probationUntil { health[slot].level = 0 }
      return false
    }
    health[slot].failuresInARow += 1
    let isOutlier =
      health[slot].level > 0 || health[slot].failuresInARow >= options.failuresInARow
      || health[slot].failureShare >= options.failureShare
    guard isOutlier, table.isOpen(slot), table.ejectedCount < options.cap(ready: table.readyCount) else { return false }
    rest(slot, at: now)
    return true
  }

  /// Notes how requests ended of which only the counts are known, as if those that failed were spread evenly among the
  /// others. Answers whether the replica is to be ejected now; it then rests already.
  mutating func note(
    successes: Int, failures: Int, _ slot: Int, in table: ReplicaTable, at now: Moment
  ) -> Bool {
    let total = Double(max(0, successes)) + Double(max(0, failures))
    guard total >= 1, table.isOpen(slot) else { return false }
    let count = Int(saturating: min(total, Self.mostNoted))
    let share = Double(max(0, failures)) / total
    var failed = 0.0
    for number in 1...max(1, count) {
      let isFailure = (share * Double(number)).rounded(.down) > failed
      if isFailure { failed += 1 }
      if note(isFailure ? .failure : .success, slot, in: table, at: now) { return true }
    }
    return false
  }

  /// More outcomes at once say nothing more: the share of failures fades within so many.
  private static let mostNoted = 64.0

  /// How many times a slot's replica was ejected.
  func count(of slot: Int) -> Int { Int(health[slot].count) }

  private mutating func rest(_ slot: Int, at now: Moment) {
    let shortest = options.shortestRest / .seconds(1)
    let seconds = min(
      options.longestRest / .seconds(1),
      shortest * Double(sign: .plus, exponent: Int(health[slot].level), significand: 1))
    count += 1
    health[slot].count += 1
    health[slot].level = min(30, health[slot].level + 1)
    health[slot].failuresInARow = 0
    health[slot].failureShare = 0
    health[slot].until = now + .seconds(saturating: seconds)
    health[slot].probationUntil = now + .seconds(saturating: 2 * seconds)
    resting.append(slot)
    findNextReturn()
  }

  /// Takes out a replica whose rest is over; nil where there is none.
  mutating func nextBack(at now: Moment) -> Int? {
    guard now >= nextReturn, let found = resting.firstIndex(where: { health[$0].until <= now }) else { return nil }
    let slot = resting.remove(at: found)
    findNextReturn()
    return slot
  }

  private mutating func findNextReturn() {
    nextReturn = resting.map { health[$0].until }.min() ?? Moment(nanoseconds: .max)
  }
}
