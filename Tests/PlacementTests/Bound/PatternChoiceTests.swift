import PlacementTestSupport
import Testing

@testable import Placement

@Suite("The choice among patterns")
struct PatternChoiceTests {
  private func problem(_ seed: UInt64) -> Problem {
    var recipe = RandomProblem(workloads: seed % 3 == 0 ? 7 : 5, nodes: 3)
    recipe.replicas = seed % 3 == 0 ? 1...1 : 1...2
    recipe.resources = Int(1 + seed % 2)
    recipe.likeNodes = seed % 4 != 1
    recipe.graph = seed % 2 == 0 ? .sparse(degree: 2) : .powerLaw(calls: 2)
    recipe.weights = Problem.Weights(leavingNode: 1, leavingZone: 0)
    return recipe.make(seed: seed).problem
  }

  /// All patterns of each group.
  private func lists(_ tier: PatternTier) throws -> [PatternList] {
    try tier.groups.map { group in
      let search = try PatternSearch(
        tier, group: group, order: PatternLayout.order(tier), CompletionTable())
      let prices = Array(repeating: 0.0, count: tier.itemCount)
      return try #require(try search.list(prices: prices, floor: -1, most: 1_000_000, WorkBudget()))
    }
  }

  /// What any placement gains at most.
  private func greatestGain(_ problem: Problem, _ tier: PatternTier) throws -> Double {
    tier.totalGain + tier.lost - (try #require(problem.exhaustiveOptimum())).objective
  }

  private func check(_ bins: [(group: Int, pattern: Pattern)], gain: Double, _ tier: PatternTier) {
    var counts = Array(repeating: 0, count: tier.itemCount)
    var used = Array(repeating: 0, count: tier.groups.count)
    for (group, pattern) in bins {
      used[group] += 1
      #expect(pattern.fits(tier.groups[group]))
      for (item, count) in pattern.entries { counts[Int(item)] += Int(count) }
    }
    #expect(counts == tier.replicas)
    for (group, count) in used.enumerated() { #expect(count <= tier.groups[group].bins.count) }
    #expect(abs(bins.reduce(0) { $0 + $1.pattern.gain } - gain) <= 1e-6)
  }

  @Test("Is the best there is", arguments: UInt64(1)...20)
  func isBest(seed: UInt64) throws {
    let problem = problem(seed)
    let tier = PatternTier(nodesOf: problem)
    let best = try greatestGain(problem, tier)
    let slack = 1e-6 * (1 + tier.totalGain)
    let choice = try PatternChoice(tier, lists(tier), columns: [], above: -1)
    guard case .best(let bins, let gain, let bound) = try choice.run(above: -1, WorkBudget()) else {
      Issue.record("found none")
      return
    }
    #expect(abs(gain - best) <= slack)
    #expect(abs(bound - best) <= slack)
    check(bins, gain: gain, tier)

    let above = try PatternChoice(tier, lists(tier), columns: [], above: best + slack)
    guard case .none(let bound) = try above.run(above: best + slack, WorkBudget()) else {
      Issue.record("found what there is not")
      return
    }
    #expect(bound <= best + 2 * slack)
  }

  @Test("Is the same in many small steps, with a target that rises", arguments: UInt64(1)...6)
  func isSameInSteps(seed: UInt64) throws {
    let problem = problem(seed)
    let tier = PatternTier(nodesOf: problem)
    let best = try greatestGain(problem, tier)
    let slack = 1e-6 * (1 + tier.totalGain)
    let choice = try PatternChoice(tier, lists(tier), columns: [], above: -1)
    var steps = 0
    var found = -Double.infinity
    while steps < 10_000 {
      steps += 1
      switch try choice.run(above: steps < 3 ? -1 : best - 10, WorkBudget(work: 600)) {
      case .stopped(let bins, let gain):
        if let bins {
          check(bins, gain: gain, tier)
          #expect(gain > found && gain <= best + slack)
          found = gain
        }
        continue
      case .best(let bins, let gain, let bound):
        check(bins, gain: gain, tier)
        #expect(abs(gain - best) <= slack)
        #expect(abs(bound - best) <= slack)
      case .none:
        Issue.record("found none")
      }
      break
    }
    #expect(steps > 1 && steps < 10_000)
  }
}
