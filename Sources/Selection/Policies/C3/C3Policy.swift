public import Model

/// The replica with the lowest score `R − s + q̂³ · s`: replica ranking of C3 (Suresh, Canini, Schmid and Feldmann, *C3:
/// Cutting Tail Latency in Cloud Data Stores via Adaptive Replica Selection*, NSDI 2015), without its rate control.
///
/// `R` is the mean time to an answer as seen here, `s` the mean time that a request is worked on, and
/// `q̂ = 1 + askers · own + q` the queue that it is to meet: requests of one's own that are out, taken for those of all
/// askers, and the mean queue `q` that the replica reports. The cube keeps a fast replica from being given all the queue
/// that its pace would bear.
///
/// In the paper replicas report `s` with each answer; here it is what is left of the time to an answer when the requests
/// known to be there share what works on them. It knows nothing of errors.
public struct C3Policy: SelectionPolicy {
  private struct Means: Sendable {
    var response = 0.0
    var service = 0.0
    var queue = 0.0
  }

  private let options: C3Options
  private var means: [Means] = []
  /// Over all replicas, for those that did not answer yet.
  private var everybody = 0.0

  /// Makes the policy.
  public init(_ options: C3Options = C3Options()) {
    self.options = options
  }

  /// Forgets slots that have new replicas.
  public mutating func arrange(_ table: ReplicaTable, joined: [Int], at now: Moment) {
    while means.count < table.slotCount { means.append(Means()) }
    for slot in joined { means[slot] = Means() }
  }

  /// Answers the candidate with the lowest score, by chance among equals.
  public mutating func choose(
    _ candidates: Candidates, in table: ReplicaTable, at now: Moment, using generator: inout SeededGenerator
  ) -> Int? {
    let range = candidates.positions
    guard !range.isEmpty else { return nil }
    let start = generator.below(range.count)
    var best: (slot: Int, score: Double)?
    for step in 0..<range.count {
      let offset = start + step < range.count ? start + step : start + step - range.count
      let slot = table.slot(at: range.lowerBound + offset)
      guard table.admits(slot, candidates) else { continue }
      let score = score(slot, table, now)
      if best.map({ score < $0.score }) ?? true { best = (slot, score) }
    }
    return best?.slot
  }

  /// The score, over the weight. Tiers are compared by what replicas have to do, which grows more evenly.
  func score(_ slot: Int, _ table: ReplicaTable, _ now: Moment) -> Double {
    let means = means[slot]
    let own = Double(table.inFlight(slot)) / table.warmth(slot, at: now)
    let queue = 1 + own * Double(options.askers) + means.queue
    // Before anybody answered, queues alone are compared.
    let service = means.service > 0 ? means.service : everybody > 0 ? everybody : 1
    var power = service
    for _ in 0..<options.exponent { power *= queue }
    return (max(0, means.response - service) + power) / table.weight(slot)
  }

  /// Learns how long the answer took.
  public mutating func completed(_ completion: Completion, in table: ReplicaTable) {
    guard completion.outcome != .cancelled else { return }
    let slot = completion.slot
    let requests = table.requests(slot, at: completion.at) + 1
    let share = table.concurrency(slot).map { min(1, Double($0) / requests) } ?? 1
    let seconds = completion.latencySeconds
    means[slot].response = blend(seconds, means[slot].response)
    means[slot].service = blend(seconds * share, means[slot].service)
    everybody = blend(seconds * share, everybody)
  }

  /// Learns the queue.
  public mutating func heard(_ report: LoadReport, _ slot: Int, in table: ReplicaTable, at now: Moment) {
    let servers = Double(table.concurrency(slot) ?? 1)
    let waiting = report.queued.map(Double.init) ?? report.inFlight.map { max(0, Double($0) - servers) }
    guard let waiting else { return }
    means[slot].queue = means[slot].queue * options.kept + waiting * (1 - options.kept)
  }

  /// A mean with a new value; the first is the mean.
  private func blend(_ value: Double, _ mean: Double) -> Double {
    mean > 0 ? mean * options.kept + value * (1 - options.kept) : value
  }
}
