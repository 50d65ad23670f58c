import Model
import PlacementTestSupport
import Testing

@testable import Placement

@Suite("The search of large problems")
struct LargeSearchTests {
  static let recipes = [
    RandomProblem(workloads: 20, nodes: 8, graph: .powerLaw(calls: 2), replicas: 1...5, resources: 2, zones: 3),
    RandomProblem(workloads: 12, nodes: 6, replicas: 1...4, zones: 2, rulesOfEachKind: 2, limits: true, reserved: true),
    RandomProblem(workloads: 12, nodes: 5, graph: .sparse(degree: 0.4), replicas: 1...4, fill: 0.97, likeNodes: false),
    RandomProblem(workloads: 3, nodes: 2, replicas: 1...14),
    RandomProblem(workloads: 3, nodes: 1, replicas: 1...3),
  ]

  static func solve(_ problem: Problem, from start: Assignment, seed: UInt64, threads: Int) -> Solution {
    let options = SolverOptions(timeLimit: nil, seed: seed, effort: 1, threads: threads)
    return LargeSearch(problem, options, SolverTests.context, start: start).run()
  }

  static func start(_ problem: Problem, seed: UInt64) throws -> Assignment {
    try problem.firstPlacement(SolverOptions(timeLimit: nil, seed: seed), SolverTests.context, from: nil)
  }

  @Test("keeps every constraint and improves on its start", arguments: recipes)
  func constraints(recipe: RandomProblem) throws {
    for seed in 1...2 as ClosedRange<UInt64> {
      let problem = recipe.problem(seed: seed).withSimplerRules()
      let start = try Self.start(problem, seed: seed)
      let solution = Self.solve(problem, from: start, seed: seed, threads: 1)
      #expect(problem.brokenConstraint(solution.assignment) == nil, "\(recipe) seed \(seed)")
      #expect(solution.evaluation == problem.evaluate(solution.assignment))
      #expect(solution.evaluation.objective <= problem.evaluate(start).objective)
      #expect(solution.lowerBound <= solution.evaluation.objective)
    }
  }

  @Test("moves no more replicas than allowed, off nodes that are gone first")
  func moves() throws {
    let recipe = RandomProblem(
      workloads: 20, nodes: 8, graph: .powerLaw(calls: 2), replicas: 1...4, fill: 0.6, zones: 2)
    var problem = recipe.problem(seed: 3)
    let now = try problem.start(seed: 1)
    problem.current = now.placed.map { $0 }
    problem.allocatable[0] = 0
    let gone = now.placed.reduce(0) { $0 + ($1.first { $0.node == 0 }?.replicas ?? 0) }
    for most in [gone + 2, gone + 8] {
      problem.weights.maxMoves = most
      let solution = Self.solve(problem, from: try problem.start(seed: 2), seed: 4, threads: 2)
      #expect(problem.brokenConstraint(solution.assignment) == nil)
      #expect(solution.evaluation.moves >= gone && solution.evaluation.moves <= most)
    }
  }

  @Test("gives the same plan for the same seed and effort, with any number of threads", arguments: recipes)
  func repeatable(recipe: RandomProblem) throws {
    let problem = recipe.problem(seed: 2).withSimplerRules()
    let start = try Self.start(problem, seed: 1)
    let plans = [1, 2].map { Self.solve(problem, from: start, seed: 7, threads: $0).assignment }
    #expect(Set(plans).count == 1)
  }

  @Test("divides the nodes and what rules tie together, each among all regions")
  func regions() {
    var random = SeededGenerator(seed: 3)
    for count in 2...4 {
      let ties: [Int32] = [-1, 0, 0, 1, 1, -1, 2]
      let regions = Regions(count: count, nodes: 13, ties: ties, random: &random)
      let sizes = (0..<count).map { region in regions.regionOfNode.count { $0 == UInt8(region) } }
      #expect(sizes.reduce(0, +) == 13)
      #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) <= 1)
      for (m, owner) in regions.ownerOfMember.enumerated() {
        #expect((owner == Regions.anyone) == (ties[m] < 0))
        for (other, tie) in ties.enumerated() where tie == ties[m] { #expect(regions.ownerOfMember[other] == owner) }
      }
    }
  }
}
