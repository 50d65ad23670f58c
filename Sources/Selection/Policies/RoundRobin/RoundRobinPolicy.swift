public import Model

/// One after the other, in the order of places, from a start by chance. Weights do not count.
public struct RoundRobinPolicy: SelectionPolicy {
  private var turn: Int?

  /// Makes the policy.
  public init() {}

  /// Answers the candidate whose turn it is, or the first one behind it.
  public mutating func choose(
    _ candidates: Candidates, in table: ReplicaTable, at now: Moment, using generator: inout SeededGenerator
  ) -> Int? {
    let range = candidates.positions
    guard !range.isEmpty else { return nil }
    let turn = turn ?? generator.below(table.count)
    self.turn = turn
    for step in 0..<range.count {
      let slot = table.slot(at: range.lowerBound + (turn + step) % range.count)
      if table.admits(slot, candidates) { return slot }
    }
    return nil
  }

  /// Goes on: however many tiers were asked for one request, it is one turn.
  public mutating func dispatched(_ slot: Int, in table: ReplicaTable, at now: Moment) {
    turn = ((turn ?? 0) + 1) & .max
  }
}
