import Model
import PlacementTestSupport
import Testing

@testable import Placement

@Suite("The solver")
struct SolverTests {
  static let context: SolverContext = {
    let start = ContinuousClock.now
    return SolverContext(elapsed: { ContinuousClock.now - start })
  }()

  /// Recipes in which the worst of several matrices counts.
  static let worst = [2, 3].map { count in
    var recipe = RandomProblem(
      workloads: 5, nodes: 3, graph: .sparse(degree: 2), replicas: 1...2, zones: count == 2 ? 1 : 2)
    (recipe.matrices, recipe.combination) = (count, .worst)
    return recipe
  }

  @Test(
    "finds the optimum of small problems of every kind",
    arguments: [
      RandomProblem(workloads: 5, nodes: 3, graph: .sparse(degree: 2), replicas: 1...3),
      RandomProblem(workloads: 5, nodes: 3, replicas: 1...2, resources: 2, likeNodes: false, zones: 2),
      RandomProblem(workloads: 4, nodes: 4, replicas: 1...3, zones: 2, rulesOfEachKind: 1, limits: true),
      RandomProblem(workloads: 5, nodes: 3, replicas: 1...2, fill: 0.97),
    ] + SolverTests.worst)
  func optimal(recipe: RandomProblem) throws {
    for seed in 1...8 as ClosedRange<UInt64> {
      var problem = recipe.problem(seed: seed)
      if seed % 2 == 0 { problem.weights.utilization = problem.edges.reduce(0) { $0 + $1.traffic } * 0.3 }
      let optimum = try #require(problem.exhaustiveOptimum())
      let solution = try problem.solve(SolverOptions(timeLimit: nil, seed: seed, effort: 3), Self.context)
      #expect(problem.brokenConstraint(solution.assignment) == nil)
      #expect(solution.evaluation.objective <= optimum.objective * (1 + 1e-9) + 1e-9, "\(recipe) seed \(seed)")
      #expect(solution.lowerBound <= optimum.objective * (1 + 1e-9) + 1e-9, "\(recipe) seed \(seed)")
    }
  }

  @Test("calls a plan optimal for the worst matrix only where it is, and bounds it from below", arguments: worst)
  func worstIsProven(recipe: RandomProblem) throws {
    var proven = 0
    for seed in 11...18 as ClosedRange<UInt64> {
      let problem = recipe.problem(seed: seed)
      let optimum = try #require(problem.exhaustiveOptimum()).objective
      let options = SolverOptions(timeLimit: nil, seed: seed, effort: 4)
      let solution = try problem.solve(options, Self.context)
      #expect(solution.lowerBound <= optimum * (1 + 1e-7) + 1e-9)
      guard solution.isOptimal else { continue }
      proven += 1
      #expect(abs(solution.evaluation.objective - optimum) <= 1e-6 * (1 + optimum))
    }
    #expect(proven >= 6)
  }

  @Test("is never worse than the placement that it starts from, and mends one that is broken")
  func origin() throws {
    let recipe = RandomProblem(workloads: 12, nodes: 4, graph: .sparse(degree: 2), replicas: 1...3, zones: 2)
    for seed in 1...2 as ClosedRange<UInt64> {
      let problem = recipe.problem(seed: seed)
      let options = SolverOptions(timeLimit: nil, seed: seed + 1, effort: 1)
      let good = try problem.solve(SolverOptions(timeLimit: nil, seed: seed, effort: 1), Self.context)
      let again = try problem.solve(options, Self.context, from: good.assignment)
      #expect(again.evaluation.objective <= good.evaluation.objective)
      var broken = good.assignment
      broken.placed[0] = [Problem.Placed(node: 0, replicas: problem.workloads[0].replicas + 7)]
      broken.placed[1] = []
      let mended = try problem.solve(options, Self.context, from: broken)
      #expect(problem.brokenConstraint(mended.assignment) == nil)
    }
  }

  @Test("gives the same plan for the same seed and effort, with any number of threads")
  func repeatable() throws {
    let recipe = RandomProblem(
      workloads: 24, nodes: 5, graph: .powerLaw(calls: 2), replicas: 1...4, resources: 2, zones: 2)
    let problem = recipe.problem(seed: 4)
    let plans = try [1, 2, 2, 3].map { threads in
      let options = SolverOptions(timeLimit: nil, seed: 7, effort: 2, threads: threads)
      return try problem.solve(options, Self.context).assignment
    }
    #expect(Set(plans).count == 1)
    #expect(problem.brokenConstraint(plans[0]) == nil)
  }

  @Test("stops at once when it is cancelled, with a placement")
  func cancelled() throws {
    let problem = RandomProblem(workloads: 60, nodes: 10, graph: .powerLaw(calls: 2), replicas: 1...6).problem(seed: 1)
    let context = SolverContext(elapsed: Self.context.elapsed, isCancelled: { true })
    let solution = try problem.solve(SolverOptions(timeLimit: nil, prove: true), context)
    #expect(problem.brokenConstraint(solution.assignment) == nil)
    #expect(!solution.isOptimal || solution.gap == 0)
  }

  @Test("moves no more replicas than allowed, and with none allowed stays where it is")
  func maxMoves() throws {
    var problem = RandomProblem(workloads: 12, nodes: 4, graph: .sparse(degree: 3), replicas: 1...4).problem(seed: 9)
    let start = try problem.start(seed: 1)
    problem.current = start.placed.map { $0 }
    var last = Double.infinity
    for most in [0, 1, 3, 1000] {
      problem.weights.maxMoves = most
      let solution = try problem.solve(SolverOptions(timeLimit: nil, effort: 3), Self.context)
      #expect(solution.evaluation.moves <= most)
      if most == 0 { #expect(solution.assignment == start) }
      #expect(solution.evaluation.objective <= last + 1e-9)
      last = solution.evaluation.objective
    }
  }
}

@Suite("Peak tree")
struct PeakTreeTests {
  @Test("holds the highest of values that change", arguments: [1, 2, 5, 8, 33])
  func highest(count: Int) {
    var random = SeededGenerator(seed: UInt64(count))
    var tree = PeakTree(leaves: count)
    var values = Array(repeating: 0.0, count: count)
    for _ in 0..<500 {
      let (leaf, value) = (random.below(count), random.unit())
      values[leaf] = value
      tree.set(leaf, value)
      #expect(tree.root == values.max())
    }
  }
}
