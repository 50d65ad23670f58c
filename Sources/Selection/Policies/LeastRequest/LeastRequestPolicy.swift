public import Model

/// Of two candidates by chance the one with fewer requests in flight for its weight: power of two choices
/// (Mitzenmacher, 2001), as Envoy's `LEAST_REQUEST` has it by default.
public struct LeastRequestPolicy: SelectionPolicy {
  /// Makes the policy.
  public init() {}

  /// Answers the less busy of two.
  public mutating func choose(
    _ candidates: Candidates, in table: ReplicaTable, at now: Moment, using generator: inout SeededGenerator
  ) -> Int? {
    guard let (first, second) = table.samplePair(candidates, using: &generator) else { return nil }
    let a = (table.load(first, at: now) + 1) / table.weight(first)
    let b = (table.load(second, at: now) + 1) / table.weight(second)
    return b < a ? second : first
  }
}
