public import Model

/// Any candidate, each as likely as the other. Weights do not count.
public struct RandomPolicy: SelectionPolicy {
  /// Makes the policy.
  public init() {}

  /// Answers a candidate by chance.
  public mutating func choose(
    _ candidates: Candidates, in table: ReplicaTable, at now: Moment, using generator: inout SeededGenerator
  ) -> Int? {
    table.sample(candidates, using: &generator)
  }
}
