public import Model

/// Of two candidates by chance the one with the lower latency times requests in flight: Finagle's Peak EWMA.
///
/// A latency above the mean takes its place at once, one below it lowers it slowly. It knows nothing of errors.
public struct PeakEWMAPolicy: SelectionPolicy {
  private struct Mean: Sendable {
    var seconds = 0.0
    var last = Moment.start
  }

  private let decay: Decay
  private var means: [Mean] = []
  /// What a replica with requests in flight and no answer yet is taken to need.
  private static let penaltySeconds = 1e6

  /// Makes the policy; the mean forgets with a time constant, in Finagle ten seconds.
  public init(memory: Duration = .seconds(10)) {
    decay = Decay(memory)
  }

  /// Forgets slots that have new replicas.
  public mutating func arrange(_ table: ReplicaTable, joined: [Int], at now: Moment) {
    while means.count < table.slotCount { means.append(Mean()) }
    for slot in joined { means[slot] = Mean(last: now) }
  }

  /// Answers the one of two that costs less.
  public mutating func choose(
    _ candidates: Candidates, in table: ReplicaTable, at now: Moment, using generator: inout SeededGenerator
  ) -> Int? {
    guard let (first, second) = table.samplePair(candidates, using: &generator) else { return nil }
    return cost(second, in: table, at: now) < cost(first, in: table, at: now) ? second : first
  }

  /// Mean latency times requests in flight, this one among them, over the weight.
  public func cost(_ slot: Int, in table: ReplicaTable, at now: Moment) -> Double {
    let load = table.load(slot, at: now)
    let mean = means[slot].seconds * decay.left(after: now.seconds(since: means[slot].last))
    let seconds = mean > 0 ? mean : load > 0 ? Self.penaltySeconds : 1e-9
    return seconds * (load + 1) / table.weight(slot)
  }

  /// Learns the latency.
  public mutating func completed(_ completion: Completion, in table: ReplicaTable) {
    guard completion.outcome != .cancelled else { return }
    let mean = means[completion.slot]
    let left = decay.left(after: completion.at.seconds(since: mean.last))
    let seconds = completion.latencySeconds
    means[completion.slot] = Mean(
      seconds: max(seconds, mean.seconds * left + seconds * (1 - left)), last: completion.at)
  }
}
