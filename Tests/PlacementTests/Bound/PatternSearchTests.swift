import Model
import PlacementTestSupport
import Testing

@testable import Placement

@Suite("The pattern search")
struct PatternSearchTests {
  @Test("Finds the best pattern, lists all of a range, and bounds what it leaves out", arguments: UInt64(1)...40)
  func agreesWithAllPatterns(seed: UInt64) throws {
    let tier = PatternTier.random(seed: seed)
    var random = SeededGenerator(seed: seed)
    for group in tier.groups {
      let prices = (0..<tier.itemCount).map { _ in Double.random(in: -10...60, using: &random) }
      var all: [[Int32]: Double] = [:]
      tier.forEachPattern(of: group) { all[$0] = Pattern($0, tier).worth(prices) }
      let best = try #require(all.values.max())
      let slack = 1e-9 * (1 + abs(best))
      let search = try PatternSearch(
        tier, group: group, order: PatternLayout.order(tier), CompletionTable())

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
    let tier = PatternTier.random(seed: 2)
    let prices = Array(repeating: 1.0, count: tier.itemCount)
    let search = try PatternSearch(
      tier, group: tier.groups[0], order: PatternLayout.order(tier), CompletionTable())
    let request = PatternSearch.Request(prices: prices, floor: 0, width: 1000, keep: 5)
    let whole = try search.search(request, WorkBudget())
    let stopped = try search.search(request, WorkBudget(work: 0))
    #expect(stopped.isTruncated)
    #expect(stopped.bound >= whole.bound)
  }
}
