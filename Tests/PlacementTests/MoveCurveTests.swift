import PlacementTestSupport
import Testing

@testable import Placement

@Suite("The curve of moves")
struct MoveCurveTests {
  static let context = SolverTests.context

  static let recipes = [
    RandomProblem(workloads: 10, nodes: 4, graph: .sparse(degree: 3), replicas: 1...4),
    RandomProblem(workloads: 12, nodes: 5, graph: .powerLaw(calls: 2), replicas: 1...3, resources: 2, zones: 2),
    RandomProblem(workloads: 8, nodes: 4, replicas: 1...3, zones: 2, rulesOfEachKind: 1, limits: true),
    worst,
  ]

  private static var worst: RandomProblem {
    var recipe = RandomProblem(workloads: 8, nodes: 4, graph: .sparse(degree: 3), replicas: 1...3)
    (recipe.matrices, recipe.combination) = (2, .worst)
    return recipe
  }

  /// A problem in which everything runs, none of it where traffic would have it, and a plan.
  static func make(_ recipe: RandomProblem, seed: UInt64) throws -> (problem: Problem, plan: Assignment) {
    var (problem, placement) = recipe.make(seed: seed)
    problem.current = placement.placed.map { $0 }
    problem.weights.utilization = seed % 2 == 0 ? 30 : 0
    let plan = try problem.solve(SolverOptions(timeLimit: nil, effort: 1), context).assignment
    return (problem, plan)
  }

  @Test(
    "begins where things run now, ends with the plan, never falls, and keeps to the moves that it speaks of",
    arguments: zip(recipes, 1...4 as ClosedRange<UInt64>))
  func properties(recipe: RandomProblem, seed: UInt64) throws {
    let (problem, plan) = try Self.make(recipe, seed: seed)
    let options = SolverOptions(timeLimit: nil, seed: seed)
    let points = try #require(problem.moveCurve(to: plan, options, Self.context)).points
    let first = try #require(points.first)
    #expect(first.assignment == Assignment(placed: problem.current.map { $0 ?? [] }))
    #expect(points.last?.assignment == plan)
    #expect(points.last?.limit == problem.moves(plan))
    #expect(points.map(\.limit) == [0, 1, 2, 5, 10, 20].filter { $0 < problem.moves(plan) } + [problem.moves(plan)])
    for point in points {
      #expect(problem.brokenConstraint(point.assignment) == nil)
      #expect(problem.moves(point.assignment) <= point.limit)
      #expect(problem.evaluate(point.assignment) == point.evaluation)
    }
    for (fewer, more) in zip(points, points.dropFirst()) {
      #expect(more.evaluation.objective <= fewer.evaluation.objective)
    }
    #expect(points.dropFirst().first.map { $0.evaluation.objective < first.evaluation.objective } == true)
  }

  @Test("has the best that so many moves can bring, where a problem is small", arguments: 1...2 as ClosedRange<UInt64>)
  func best(seed: UInt64) throws {
    let recipe = RandomProblem(workloads: 5, nodes: 3, graph: .sparse(degree: 3), replicas: 1...2)
    let (problem, plan) = try Self.make(recipe, seed: seed)
    guard let curve = problem.moveCurve(to: plan, SolverOptions(timeLimit: nil), Self.context) else { return }
    for point in curve.points {
      var limited = problem
      limited.weights.maxMoves = point.limit
      let optimum = try #require(limited.exhaustiveOptimum()).objective
      #expect(abs(point.evaluation.objective - optimum) < 1e-6 * (1 + optimum), "\(point.limit) moves")
    }
  }

  @Test("begins with the fewest moves that mend what runs now")
  func broken() throws {
    var problem = Problem(
      resources: ["cpu"], nodes: [.init(name: "a"), .init(name: "b")],
      workloads: [.init(name: "u", replicas: 3), .init(name: "evicted", replicas: 2, limitRow: 1)],
      requests: [1, 1], allocatable: [5, 5])
    problem.edges = [.init(u: 0, v: 1, traffic: 5)]
    problem.current = [[.init(node: 0, replicas: 3)], [.init(node: 0, replicas: 2)]]
    problem.limitRows.append([0, .max])
    problem.evictedFrom = [1: [0]]
    // Two must leave their node, and it is best where the others follow.
    let plan = try #require(problem.exhaustiveOptimum()).assignment
    let curve = try #require(problem.moveCurve(to: plan, SolverOptions(timeLimit: nil), Self.context))
    #expect(curve.points.map(\.limit) == [2, 5])
  }

  @Test("is the same with any number of threads, and there is none without moves or time")
  func repeatable() throws {
    let (problem, plan) = try Self.make(Self.recipes[1], seed: 3)
    let curves = [1, 3].map { threads in
      problem.moveCurve(to: plan, SolverOptions(timeLimit: nil, seed: 4, threads: threads), Self.context)
    }
    #expect(Set(curves).count == 1)
    #expect(curves[0] != nil)
    let now = Assignment(placed: problem.current.map { $0 ?? [] })
    #expect(problem.moveCurve(to: now, SolverOptions(timeLimit: nil), Self.context) == nil)
    #expect(problem.moveCurve(to: plan, SolverOptions(timeLimit: .zero), Self.context) == nil)
    let cancelled = SolverContext(elapsed: Self.context.elapsed, isCancelled: { true })
    #expect(problem.moveCurve(to: plan, SolverOptions(timeLimit: nil), cancelled) == nil)
  }
}
