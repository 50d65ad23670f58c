import Model
import PlacementTestSupport
import Testing

@testable import Placement

@Suite("The search state")
struct SearchStateTests {
  static let recipes =
    [
      RandomProblem(workloads: 8, nodes: 4, graph: .sparse(degree: 3), replicas: 1...4),
      RandomProblem(workloads: 10, nodes: 6, graph: .powerLaw(calls: 2), replicas: 1...5, resources: 2, zones: 3),
      RandomProblem(
        workloads: 8, nodes: 5, replicas: 1...3, zones: 2, rulesOfEachKind: 1, limits: true, reserved: true),
      RandomProblem(workloads: 5, nodes: 4, graph: .sparse(degree: 2), replicas: 8...20, zones: 2),
    ] + worst

  /// Recipes in which the worst of several matrices counts.
  static let worst = [2, 3].map { count in
    var recipe = RandomProblem(workloads: 9, nodes: 5, graph: .sparse(degree: 3), replicas: 1...4, zones: count)
    (recipe.matrices, recipe.combination) = (count, .worst)
    return recipe
  }

  static func problem(_ recipe: RandomProblem, seed: UInt64, weights: Problem.Weights) -> (Problem, Assignment)? {
    var problem = recipe.problem(seed: seed).withSimplerRules()
    problem.weights = weights
    guard let start = try? problem.start(seed: seed) else { return nil }
    for w in problem.workloads.indices where w % 3 != 0 { problem.current[w] = start.placed[w] }
    return (problem, start)
  }

  @Test("keeps the objective that a full evaluation gives, over thousands of random steps", arguments: recipes)
  func incrementalEqualsFull(recipe: RandomProblem) throws {
    var checked = 0
    for seed in 1...10 as ClosedRange<UInt64> {
      let weights = Problem.Weights(leavingNode: 1, leavingZone: 3, utilization: 50, move: 0.5)
      guard let (problem, start) = Self.problem(recipe, seed: seed, weights: weights) else { continue }
      let search = SearchProblem(problem, packsFillers: false)
      var state = SearchState(search, start)
      var annealing = Annealing(seed: seed)
      annealing.temperature = annealing.typicalChange(&state, samples: 100)
      for _ in 0..<20 {
        annealing.run(&state, proposals: 200)
        var assignment = Assignment(placed: Array(repeating: [], count: problem.workloads.count))
        for (m, places) in search.placed(state.snapshot()).enumerated() {
          assignment.placed[search.members[m]] = places
        }
        let objective = problem.evaluate(assignment).objective
        #expect(abs(state.cost - objective) <= 1e-9 * max(1, objective))
        #expect(problem.brokenConstraint(assignment) == nil)
        checked += 1
      }
      #expect(annealing.accepted > 0)
    }
    #expect(checked >= 100)
  }

  @Test("comes back to a snapshot exactly", arguments: recipes)
  func restores(recipe: RandomProblem) throws {
    let (problem, start) = try #require(Self.problem(recipe, seed: 5, weights: .init(utilization: 10, move: 1)))
    var state = SearchState(SearchProblem(problem, packsFillers: false), start)
    let (snapshot, cost) = (state.snapshot(), state.cost)
    var annealing = Annealing(seed: 1)
    annealing.temperature = .infinity
    annealing.run(&state, proposals: 500)
    #expect(state.snapshot() != snapshot)
    state.restore(snapshot)
    #expect(state.snapshot() == snapshot)
    #expect(abs(state.cost - cost) <= 1e-9 * max(1, cost))
  }

  @Test("counts moves as the definition does, and never makes more than allowed")
  func moves() throws {
    let recipe = Self.recipes[0]
    let weights = Problem.Weights(move: 0, maxMoves: 3)
    let (problem, start) = try #require(Self.problem(recipe, seed: 2, weights: weights))
    let search = SearchProblem(problem, packsFillers: false)
    var state = SearchState(search, start)
    var annealing = Annealing(seed: 3)
    annealing.temperature = .infinity
    for _ in 0..<50 {
      annealing.run(&state, proposals: 50)
      let assignment = Assignment(placed: search.placed(state.snapshot()))
      #expect(problem.moves(assignment) <= 3)
    }
  }
}
