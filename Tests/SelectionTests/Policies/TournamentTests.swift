import Model
import Testing

@testable import Selection

@Suite("A tournament")
struct TournamentTests {
  @Test("finds what a look at every leaf finds", arguments: [1, 2, 3, 7, 8, 33, 100])
  func differential(count: Int) {
    var random = SeededGenerator(seed: UInt64(count))
    var tournament = Tournament()
    tournament.reset(leaves: count)
    var costs = [Float?](repeating: nil, count: count)
    for _ in 0..<400 {
      let leaf = random.below(count)
      // Few values, so that there are equal ones.
      costs[leaf] = random.below(5) == 0 ? nil : Float(1 + random.below(20)) / 7
      tournament.set(costs[leaf], leaf: leaf)
      #expect(tournament.cost(of: leaf) == costs[leaf])
      let low = random.below(count)
      let range = low..<(low + random.below(count - low + 1))
      func cheapest(where fits: (Int) -> Bool) -> Int? {
        range.filter { costs[$0] != nil && fits($0) }.min { (costs[$0] ?? 0, $0) < (costs[$1] ?? 0, $1) }
      }
      #expect(tournament.cheapest(in: range) == cheapest { _ in true })
      let modulus = 1 + random.below(4)
      #expect(tournament.cheapest(in: range) { $0 % modulus == 0 } == cheapest { $0 % modulus == 0 })
    }
  }
}
