import PlacementTestSupport
import Testing
import Topology

@testable import Placement

@Suite("The pattern search")
struct PatternSearchTests {
  /// Calls `body` with every pattern that a bin can hold.
  private func forEachPattern(_ tier: PatternTier, _ group: PatternTier.Group, _ body: ([Int32]) -> Void) {
    var counts = Array(repeating: Int32(0), count: tier.itemCount)
    func choose(_ item: Int) {
      if item == tier.itemCount {
        let pattern = Pattern(counts, tier)
        let clashes = tier.conflicts.contains { counts[$0] > 0 && counts[$1] > 0 }
        if pattern.fits(group) && !clashes { body(counts) }
        return
      }
      for count in 0...group.limits[item] {
        counts[item] = Int32(count)
        choose(item + 1)
      }
      counts[item] = 0
    }
    choose(0)
  }

  private func worth(_ counts: [Int32], _ prices: [Double], _ tier: PatternTier) -> Double {
    zip(counts, prices).reduce(tier.gain(counts)) { $0 - Double($1.0) * $1.1 }
  }

  private func recipe(_ seed: UInt64) -> RandomProblem {
    var recipe = RandomProblem(workloads: 7, nodes: 3)
    recipe.replicas = 1...3
    recipe.resources = Int(1 + seed % 3)
    recipe.graph = seed % 2 == 0 ? .sparse(degree: 1.5) : .powerLaw(calls: 2)
    recipe.likeNodes = seed % 5 != 0
    recipe.rulesOfEachKind = seed % 4 == 0 ? 2 : 0
    recipe.weights = Problem.Weights(leavingNode: 1)
    return recipe
  }

  @Test("Finds the best pattern, lists all of a range, and bounds what it leaves out", arguments: UInt64(1)...40)
  func agreesWithAllPatterns(seed: UInt64) throws {
    let tier = PatternTier(nodesOf: recipe(seed).make(seed: seed).problem)
    var random = SeededGenerator(seed: seed)
    for group in tier.groups {
      let prices = (0..<tier.itemCount).map { _ in Double.random(in: -10...60, using: &random) }
      var all: [[Int32]: Double] = [:]
      forEachPattern(tier, group) { all[$0] = worth($0, prices, tier) }
      let best = try #require(all.values.max())
      let slack = 1e-9 * (1 + abs(best))
      let search = try PatternSearch(tier, group: group)

      let exact = try search.search(
        PatternSearch.Request(prices: prices, floor: -1000, width: 100_000, keep: 5), WorkBudget())
      #expect(!exact.isTruncated)
      #expect(abs(try #require(exact.patterns.first).worth - best) <= slack)
      #expect(abs(exact.bound - best) <= slack)

      let narrow = try search.search(
        PatternSearch.Request(prices: prices, floor: -1000, width: 4, keep: 5), WorkBudget())
      #expect(narrow.bound >= best - slack)
      for pattern in narrow.patterns { #expect(abs(try #require(all[pattern.counts]) - pattern.worth) <= slack) }

      let floor = best - 30.5
      let wanted = all.filter { $0.value > floor }
      let listed = try #require(
        try search.list(prices: prices, floor: floor, most: wanted.count, WorkBudget()))
      #expect(listed.count == wanted.count)
      for pattern in 0..<listed.count {
        let counts = listed.counts(pattern)
        #expect(wanted[counts] != nil)
        #expect(abs(listed.gain(pattern) - tier.gain(counts)) <= slack)
      }
      #expect(Set((0..<listed.count).map(listed.counts)).count == wanted.count)
      #expect(try search.list(prices: prices, floor: floor, most: wanted.count - 1, WorkBudget()) == nil)
      #expect(try search.list(prices: prices, floor: floor, most: wanted.count, WorkBudget(work: 0)) == nil)
    }
  }

  @Test("Has a bound when it is stopped at once")
  func boundsWhenStopped() throws {
    let tier = PatternTier(nodesOf: recipe(2).make(seed: 2).problem)
    let prices = Array(repeating: 1.0, count: tier.itemCount)
    let search = try PatternSearch(tier, group: tier.groups[0])
    let request = PatternSearch.Request(prices: prices, floor: 0, width: 1000, keep: 5)
    let whole = try search.search(request, WorkBudget())
    let stopped = try search.search(request, WorkBudget(work: 0))
    #expect(stopped.isTruncated)
    #expect(stopped.bound >= whole.bound)
  }
}
