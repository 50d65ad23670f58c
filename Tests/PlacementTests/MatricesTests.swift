import PlacementTestSupport
import Testing

@testable import Placement

@Suite("Traffic matrices")
struct MatricesTests {
  static func problem(_ combination: Problem.Combination, matrices: Int = 3, seed: UInt64) -> Problem {
    var recipe = RandomProblem(workloads: 5, nodes: 3, graph: .sparse(degree: 3), replicas: 1...2, zones: 2)
    recipe.matrices = matrices
    recipe.combination = combination
    return recipe.problem(seed: seed)
  }

  /// The problem of one matrix alone.
  static func alone(_ m: Int, of problem: Problem) -> Problem {
    var alone = problem
    alone.matrices = []
    alone.edges = problem.edges.map { Problem.Edge(u: $0.u, v: $0.v, traffic: $0.trafficByMatrix[m]) }
    return alone
  }

  @Test("By mean a placement costs the weighted mean of what it costs with each alone", arguments: 1...4)
  func mean(seed: UInt64) {
    let problem = Self.problem(.mean, seed: seed)
    problem.forEachPlacement { assignment in
      let costs = problem.matrices.indices.map { Self.alone($0, of: problem).evaluate(assignment).objective }
      let mean = zip(costs, problem.matrices).reduce(0) { $0 + $1.0 * $1.1.weight } / 6
      #expect(abs(problem.evaluate(assignment).objective - mean) < 1e-9 * (1 + mean))
    }
  }

  @Test(
    "By the worst it costs what the worst does, in shares of the totals, and never less than the mean", arguments: 1...4
  )
  func worst(seed: UInt64) {
    let problem = Self.problem(.worst, seed: seed)
    var summed = problem
    summed.matrices = []
    let totals = problem.matrixTotals
    let mean = totals.reduce(0, +) / Double(totals.count { $0 > 0 })
    #expect(abs(problem.edges.reduce(0) { $0 + $1.traffic } - mean) < 1e-9 * mean)
    problem.forEachPlacement { assignment in
      let evaluation = problem.evaluate(assignment)
      let shares = problem.matrices.indices.filter { totals[$0] > 0 }.map { m in
        Self.alone(m, of: problem).evaluate(assignment).objective / totals[m]
      }
      #expect(abs(evaluation.objective - mean * (shares.max() ?? 0)) < 1e-9 * mean)
      #expect(evaluation.objective >= summed.evaluate(assignment).objective - 1e-9 * mean)
    }
  }

  @Test("Each has the figures that it has alone", arguments: Problem.Combination.allCases)
  func figures(combination: Problem.Combination) {
    let (problem, placement) = (Self.problem(combination, seed: 9), 9)
    var count = 0
    problem.forEachPlacement { assignment in
      count += 1
      guard count % placement == 0 else { return }
      for (m, figures) in problem.evaluate(assignment).matrices.enumerated() {
        let alone = Self.alone(m, of: problem).evaluate(assignment)
        #expect(abs(figures.totalTraffic - alone.totalTraffic) < 1e-9)
        #expect(abs(figures.cost - alone.objective) < 1e-9 * (1 + alone.objective))
        #expect(abs(figures.localizedShareNode - alone.localizedShareNode) < 1e-12)
        #expect(abs(figures.localizedShareZone - alone.localizedShareZone) < 1e-12)
      }
    }
    #expect(count > placement)
  }

  @Test("One without traffic, or alone, changes nothing", arguments: Problem.Combination.allCases)
  func degenerate(combination: Problem.Combination) throws {
    var problem = Self.problem(combination, matrices: 2, seed: 3)
    for e in problem.edges.indices { problem.edges[e].trafficByMatrix = [Double(e + 1), 0] }
    problem.matrices[0].weight = 1
    problem.matrices[1].weight = combination == .worst ? 5 : 1e-9
    problem.combineTraffic()
    let both = try #require(problem.exhaustiveOptimum()).objective
    problem.matrices.removeLast()
    for e in problem.edges.indices { problem.edges[e].trafficByMatrix.removeLast() }
    problem.combineTraffic()
    let alone = try #require(problem.exhaustiveOptimum()).objective
    #expect(abs(both - alone) < 1e-6 * (1 + alone))
    #expect(problem.edges.map(\.traffic) == problem.edges.indices.map { Double($0 + 1) })
    problem.edges = []
    problem.combineTraffic()
    #expect(problem.exhaustiveOptimum()?.objective == 0)
  }
}
