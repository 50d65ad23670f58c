internal import Model

/// Makes a placement of patterns: solves the linear program over them, fixes what it takes whole or nearly so, fits the
/// others to what is left, and goes on until all bins are filled.
///
/// Diving, with column generation on the way (Joncour et al. 2010); new patterns are made by improving those in the
/// solutions.
final class PatternDive {
  private let tier: PatternTier
  private let master: PatternMaster
  private var pool = PatternPool()
  /// Replicas of each item, and bins of each group, that are left.
  private var replicas: [Int]
  private var bins: [Int]
  private var random: SeededGenerator?

  /// Solves for new patterns before each fixing.
  private static let mostSolves = 10
  /// What a solution takes so much of is taken whole.
  private static let nearlyWhole = 0.85
  /// What it takes less of is not in it.
  private static let least = 1e-6

  /// - Parameter seed: draws which of the broken shares is fixed, by their size; nil fixes the largest.
  init(
    _ tier: PatternTier, _ columns: [(group: Int, counts: [Int32])], seed: UInt64?
  ) throws(PlacementError) {
    self.tier = tier
    random = seed.map { SeededGenerator(seed: $0) }
    master = try PatternMaster(tier)
    replicas = tier.replicas
    bins = tier.groups.map(\.bins.count)
    for column in columns { try add(column.counts, column.group) }
  }

  private func add(_ counts: [Int32], _ group: Int) throws(PlacementError) {
    let index = pool.index(of: counts, tier)
    try master.add(index, pool.patterns[index], group: group, isAllowed: isLeft(index, group))
  }

  /// Whether a bin of a group may still take a pattern.
  private func isLeft(_ pattern: Int, _ group: Int) -> Bool {
    bins[group] > 0 && pool.patterns[pattern].entries.allSatisfy { $0.count <= replicas[Int($0.item)] }
  }

  /// Dives; nil where the budget is spent. Replicas may be left over.
  func run(_ budget: WorkBudget) throws(PlacementError) -> TierProof.Bins? {
    var taken: TierProof.Bins = []
    while bins.contains(where: { $0 > 0 }) {
      let improvers = tier.groups.map { group in
        var group = group
        for item in replicas.indices { group.limits[item] = min(group.limits[item], replicas[item]) }
        return PatternImprover(tier, group: group)
      }
      for _ in 0..<Self.mostSolves {
        let solution = try master.solve()
        budget.spend(1)
        if budget.isSpent { return nil }
        if try master.improveColumns(of: solution, prices: solution.prices, improvers, &pool) == 0 { break }
      }
      _ = try master.solve()
      let shares = try master.shares()
      let before = taken.count
      let ranks = shares.map { $0 < 1 - Self.least ? $0 * (random?.unit() ?? 1) : $0 }
      for column in shares.indices.sorted(by: { (ranks[$1], $0) < (ranks[$0], $1) }) {
        guard shares[column] > Self.least, taken.count == before || shares[column] > Self.nearlyWhole else { break }
        let (pattern, group) = master.columns[column]
        for _ in 0..<max(1, Int(saturating: shares[column] + Self.least)) where isLeft(pattern, group) {
          taken.append((group, pool.patterns[pattern]))
          bins[group] -= 1
          for (item, count) in pool.patterns[pattern].entries { replicas[Int(item)] -= Int(count) }
        }
      }
      if taken.count == before { break }
      try master.leave(replicas, bins: bins)
      try master.allow { isLeft($0, $1) }
      try fit(shares)
    }
    return taken
  }

  /// Cuts the patterns of a solution down to what is left.
  private func fit(_ shares: [Double]) throws(PlacementError) {
    for (share, column) in zip(shares, master.columns)
    where share > Self.least && bins[column.group] > 0 && !isLeft(column.pattern, column.group) {
      let counts = pool.patterns[column.pattern].counts(tier.itemCount)
      try add(zip(counts, replicas).map { Int32(min($0, $1)) }, column.group)
    }
  }
}
