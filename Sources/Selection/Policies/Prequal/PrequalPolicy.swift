public import Model

/// Probes replicas for requests in flight and latency, and picks among the probes that it has: of those that are not hot
/// the one with the lowest latency, where all are hot the one with the fewest requests in flight (Wydrowski and others,
/// *Load is not what you should balance: Introducing Prequal*, NSDI 2024).
public struct PrequalPolicy: SelectionPolicy {
  private struct Probe: Sendable {
    var slot: Int
    var inFlight: Int
    var seconds: Double
    var at: Moment
    var uses = 0
  }

  private let options: PrequalOptions
  private let longestAge: Double
  /// The oldest first.
  private var pool: [Probe] = []
  /// Requests in flight in the probes of late, and where the next goes.
  private var seen: [Int] = []
  private var sorted: [Int] = []
  private var next = 0
  private var removesWorst = false
  private static let window = 128

  /// Makes the policy.
  public init(_ options: PrequalOptions = PrequalOptions()) {
    self.options = options
    longestAge = options.longestAge / .seconds(1)
    pool.reserveCapacity(options.poolSize + 1)
  }

  /// See ``PrequalOptions/probesPerPick``.
  public var probesPerPick: Int { options.probesPerPick }

  /// Forgets probes of replicas that are gone.
  public mutating func arrange(_ table: ReplicaTable, joined: [Int], at now: Moment) {
    pool.removeAll { table.state($0.slot) == .gone || joined.contains($0.slot) }
  }

  /// Answers the best of the probed candidates; one by chance where fewer than two were probed.
  public mutating func choose(
    _ candidates: Candidates, in table: ReplicaTable, at now: Moment, using generator: inout SeededGenerator
  ) -> Int? {
    pool.removeAll { now.seconds(since: $0.at) > longestAge }
    let hot = hotThreshold
    var best: Int?
    var fit = 0
    for (k, probe) in pool.enumerated() {
      guard candidates.positions.contains(table.position(of: probe.slot)), table.admits(probe.slot, candidates) else {
        continue
      }
      fit += 1
      if best.map({ isBetter(probe, pool[$0], hot) }) ?? true { best = k }
    }
    guard fit >= 2, let best else { return table.sample(candidates, using: &generator) }
    return pool[best].slot
  }

  /// Uses the probe up, and drops another: the oldest and the worst by turns.
  public mutating func dispatched(_ slot: Int, in table: ReplicaTable, at now: Moment) {
    if let used = pool.firstIndex(where: { $0.slot == slot }) {
      pool[used].uses += 1
      pool[used].inFlight += 1
      if pool[used].uses >= options.uses { pool.remove(at: used) }
    }
    guard pool.count > options.poolSize / 2 else { return }
    removesWorst.toggle()
    let hot = hotThreshold
    let worst = removesWorst ? pool.indices.max { isBetter(pool[$0], pool[$1], hot) } : 0
    pool.remove(at: worst ?? 0)
  }

  /// Keeps the report as a probe, in the place of an older one of the same replica. One that does not say how many
  /// requests there are is none.
  public mutating func heard(_ report: LoadReport, _ slot: Int, in table: ReplicaTable, at now: Moment) {
    guard let requests = report.requests(concurrency: table.concurrency(slot)) else { return }
    let inFlight = Int(saturating: requests)
    pool.removeAll { $0.slot == slot }
    if pool.count >= options.poolSize { pool.removeFirst() }
    pool.append(Probe(slot: slot, inFlight: inFlight, seconds: report.latencySeconds ?? 0, at: now))
    if seen.count < Self.window {
      seen.append(inFlight)
    } else {
      seen[next] = inFlight
      next = (next + 1) % Self.window
    }
    sorted = seen.sorted()
  }

  /// From how many requests in flight on a replica is hot.
  private var hotThreshold: Int {
    sorted.isEmpty ? .max : sorted[min(sorted.count - 1, Int(saturating: Double(sorted.count) * options.hotQuantile))]
  }

  private func isBetter(_ a: Probe, _ b: Probe, _ hot: Int) -> Bool {
    switch (a.inFlight > hot, b.inFlight > hot) {
    case (false, true): true
    case (true, false): false
    case (true, true): a.inFlight < b.inFlight
    case (false, false): a.seconds < b.seconds
    }
  }
}
