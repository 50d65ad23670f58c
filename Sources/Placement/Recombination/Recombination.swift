internal import Model

/// Makes placements of what single nodes hold in others.
///
/// What a node holds in a good placement is a *pattern*, which any node like it may hold. Placements of different
/// annealings are good in different places; a linear program over all their patterns says which go together, and a dive
/// makes a placement of them (see ``PatternDive``).
final class Recombination {
  private let problem: Problem
  private var tier: PatternTier
  private var master: PatternMaster
  private var pool = PatternPool()
  private var random = SeededGenerator(seed: 1)

  /// More workloads make the linear programs too large to be solved again and again.
  private static let mostWorkloads = 1000
  /// Solves for new patterns before a dive.
  private static let mostImprovements = 50
  /// Dives from one solution; the best counts.
  private static let dives = 4
  /// Columns that a dive begins with, and that are kept where there are too many.
  private static let mostKept = 4000
  private static let mostColumns = 12_000

  init(_ problem: Problem) throws(PlacementError) {
    self.problem = problem
    tier = PatternTier(nodesOf: problem, firstBits: .max)
    master = try PatternMaster(tier)
  }

  /// Whether there is anything to it: patterns tell nothing of zones, nor of what runs where now.
  static func suits(_ problem: Problem) -> Bool {
    let isZoned = problem.zones.count > 1 && problem.weights.leavingZone > 0
    return problem.weights.leavingNode > 0 && !isZoned && !problem.movesMatter && problem.nodes.count > 1
      && problem.workloads.count <= mostWorkloads
  }

  /// Takes in the patterns of a placement.
  func add(_ placement: Assignment) throws(PlacementError) {
    for (group, counts) in tier.bins(of: placement) { try add(counts, group) }
  }

  private func add(_ counts: [Int32], _ group: Int) throws(PlacementError) {
    let index = pool.index(of: counts, tier)
    try master.add(index, pool.patterns[index], group: group, isAllowed: pool.patterns[index].fits(tier.groups[group]))
  }

  /// Makes a placement of patterns that fill no node above a utilization; nil where none came out that keeps all
  /// constraints, or the budget, in programs solved, is spent.
  func recombine(upTo utilization: Double, _ budget: WorkBudget) throws(PlacementError) -> Assignment? {
    tier.fill(upTo: utilization)
    let improvers = tier.groups.map { PatternImprover(tier, group: $0) }
    try master.allow { pool.patterns[$0].fits(tier.groups[$1]) }
    var solution = try master.solve()
    for _ in 0..<Self.mostImprovements {
      budget.spend(1)
      if budget.isSpent { return nil }
      if try master.improveColumns(of: solution, prices: solution.prices, improvers, &pool) == 0 { break }
      solution = try master.solve()
    }
    let near = master.columns(near: solution, within: .infinity, most: Self.mostKept, pool, in: tier.groups)
      .map { (group: $0.group, counts: pool.patterns[$0.pattern].counts(tier.itemCount).map(Int32.init)) }
    if master.columns.count > Self.mostColumns {
      master = try PatternMaster(tier)
      pool = PatternPool()
      for column in near { try add(column.counts, column.group) }
    }
    var best: (bins: TierProof.Bins, gain: Double)?
    for number in 0..<Self.dives {
      let dive = try PatternDive(tier, near, seed: number > 0 ? random.next() : nil)
      guard let bins = try dive.run(budget) else { break }
      let gain = bins.reduce(0) { $0 + $1.pattern.gain }
      if gain > best?.gain ?? 0 { best = (bins, gain) }
    }
    return best.flatMap { tier.placement(of: $0.bins, in: problem) }
  }
}
