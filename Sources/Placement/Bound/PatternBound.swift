/// Bounds a problem's objective from below by what nodes, and zones, can hold at best, and proves placements optimal.
///
/// The LP relaxation of the placement ILP is of no use: it spreads every workload evenly and localizes all traffic.
/// Here a node holds a whole *pattern* of replicas, and the bound is the best mixture of patterns (column generation,
/// Dantzig and Wolfe 1960; for graph partitioning, Johnson, Mehrotra and Nemhauser 1993). Nodes and zones are bounded
/// apart; what leaves nodes and what leaves zones adds up. The peak utilization goes with the nodes. Rules between
/// nodes, workloads without traffic, and moves are left out, so that a bound is one whatever they say. Of many edges the
/// heaviest come first, and the others are taken as localized until their turn comes. A placement is
/// called optimal where it keeps them all and costs no more than the bound.
///
/// Use from one thread: GLPK keeps an environment for each.
final class PatternBound {
  /// What is known.
  struct Finding {
    /// No placement has an objective below.
    var lowerBound: Double
    /// A placement that is better than the incumbent.
    var assignment: Assignment?
    /// Whether the placement, or the incumbent where there is none, is the best there is.
    var isOptimal: Bool
    /// Whether further work is of no use.
    var isExhausted: Bool
  }

  private let problem: Problem
  /// Bounds what leaves nodes, and the peak utilization; nil where neither costs anything.
  private var nodes: TierProof?
  /// Bounds what leaves zones.
  private var zones: TierProof?
  private let total: Double
  private let tolerance: Double

  /// - Parameters:
  ///   - firstBits: how many bits the patterns of each tier's first core may take.
  ///   - mostPatterns: how many patterns a search for the best choice may have.
  init(
    _ problem: Problem, firstBits: Int = PatternTier.firstBits, mostPatterns: Int = TierProof.mostPatterns
  ) throws(PlacementError) {
    self.problem = problem
    let traffic = problem.edges.reduce(0) { $0 + $1.traffic }
    let zoneCost = problem.zones.count > 1 ? problem.weights.leavingZone : 0
    total = traffic * (problem.weights.leavingNode + zoneCost)
    tolerance = 1e-7 * (total + problem.weights.utilization)
    let levels = UtilizationLevels(problem)
    nodes = try TierProof(
      PatternTier(nodesOf: problem, firstBits: firstBits), of: problem, utilization: problem.weights.utilization,
      floor: problem.utilizationFloor, levels: levels, mostPatterns: mostPatterns)
    if zoneCost > 0 {
      zones = try TierProof(
        PatternTier(zonesOf: problem, firstBits: firstBits), of: problem, utilization: 0, floor: 0, levels: levels,
        mostPatterns: mostPatterns)
    }
  }

  /// No placement has an objective below, as far as is known.
  var lowerBound: Double { (nodes?.lowerBound ?? 0) + (zones?.lowerBound ?? 0) }

  /// Raises the bound, and looks for better placements, until the budget is spent.
  func run(from incumbent: Assignment, _ budget: WorkBudget) throws(PlacementError) -> Finding {
    var finding = Finding(lowerBound: lowerBound, assignment: nil, isOptimal: false, isExhausted: false)
    var best = incumbent
    var objective = problem.evaluate(incumbent).objective
    for tier in [nodes, zones] {
      guard let tier else { continue }
      try tier.add(best)
      while !budget.isSpent {
        let rest = lowerBound - tier.lowerBound
        guard let bins = try tier.run(target: objective - rest, budget) else { break }
        guard tier === nodes, let candidate = tier.tier.placement(of: bins, in: problem) else { continue }
        let found = problem.evaluate(candidate).objective
        guard found < objective else { continue }
        objective = found
        best = candidate
        finding.assignment = candidate
      }
    }
    finding.lowerBound = min(lowerBound, objective)
    finding.isOptimal = lowerBound >= objective - 4 * tolerance
    finding.isExhausted = finding.isOptimal || (nodes?.isExhausted ?? true) && (zones?.isExhausted ?? true)
    return finding
  }
}
