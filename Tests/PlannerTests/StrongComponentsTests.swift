import Model
import Testing

@testable import Planner

@Suite struct StrongComponentsTests {
  @Test("are what two searches find, each after all that it leads to")
  func differential() {
    var generator = SeededGenerator(seed: 5)
    for _ in 0..<300 {
      let count = 1 + generator.below(9)
      let edges = (0..<count).map { _ in (0..<generator.below(4)).map { _ in generator.below(count) } }
      let reached = (0..<count).map { v -> Set<Int> in
        var seen: Set<Int> = [v]
        var next = [v]
        while let u = next.popLast() { for t in edges[u] where seen.insert(t).inserted { next.append(t) } }
        return seen
      }
      let components = StrongComponents.find(count: count) { edges[$0] }
      #expect(components.joined().sorted() == Array(0..<count))
      var done: Set<Int> = []
      for component in components {
        done.formUnion(component)
        for v in component {
          #expect(Set(component) == reached[v].filter { reached[$0].contains(v) })
          #expect(reached[v].isSubset(of: done))
        }
      }
    }
  }

  @Test("are found in a chain of any length")
  func chain() {
    let components = StrongComponents.find(count: 200_000) { $0 + 1 < 200_000 ? [$0 + 1] : [] }
    #expect(components.count == 200_000)
    #expect(components.first == [199_999])
  }
}
