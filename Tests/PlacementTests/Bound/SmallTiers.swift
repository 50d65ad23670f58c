import PlacementTestSupport

@testable import Placement

extension PatternTier {
  /// A tier so small that all of its patterns can be tried: some with several resources, unlike nodes, or rules.
  static func random(seed: UInt64) -> PatternTier {
    var recipe = RandomProblem(workloads: 7, nodes: 3)
    recipe.replicas = 1...3
    recipe.resources = Int(1 + seed % 3)
    recipe.graph = seed % 2 == 0 ? .sparse(degree: 1.5) : .powerLaw(calls: 2)
    recipe.likeNodes = seed % 5 != 0
    recipe.rulesOfEachKind = seed % 4 == 0 ? 2 : 0
    recipe.weights = Problem.Weights(leavingNode: 1)
    return PatternTier(nodesOf: recipe.make(seed: seed).problem)
  }

  /// Calls `body` with every pattern that a bin of a group can hold.
  func forEachPattern(of group: Group, _ body: ([Int32]) -> Void) {
    var counts = Array(repeating: Int32(0), count: itemCount)
    func choose(_ item: Int) {
      if item == itemCount {
        let clashes = conflicts.contains { counts[$0] > 0 && counts[$1] > 0 }
        if Pattern(counts, self).fits(group) && !clashes { body(counts) }
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
}
