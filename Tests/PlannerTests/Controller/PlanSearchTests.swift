import Kubernetes
import Model
import Placement
import Testing

@testable import Planner

@Suite struct PlanSearchTests {
  /// A search from a plan with all three workloads on `n2`, of which `a` and `c` run on `n1`.
  private func search(maxMoves: Int) throws -> PlanSearch {
    var input = try SampleCluster().input()
    let nodes = Dictionary(uniqueKeysWithValues: input.problem.nodes.enumerated().map { ($1.name, $0) })
    for (name, node) in ["a": "n1", "b": "n2", "c": "n1"] {
      let w = try #require(input.references.firstIndex { $0?.name == name })
      input.problem.current[w] = [Problem.Placed(node: try #require(nodes[node]), replicas: 1)]
    }
    input.problem.weights.maxMoves = maxMoves
    let election = LeaderElector.Configuration(lease: ObjectKey(namespace: "n", name: "l"), identity: "me")
    var configuration = PlanController.Configuration(name: "sample", election: election)
    configuration.solver = SolverOptions(timeLimit: .seconds(20), threads: 1, prove: true)
    let plan = plan(["a": ["n2": 1], "b": ["n2": 1], "c": ["n2": 1]])
    return PlanSearch(configuration: configuration, input: input, current: (plan, plan.standing(on: input)))
  }

  @Test("A plan that moves more than may move by now is replaced by one that does not")
  func moves() throws {
    let outcome = try search(maxMoves: 1).run { false }
    #expect(outcome.choice == .replace(gain: nil))
    #expect(outcome.plan.status?.moves == 1)
    #expect(outcome.plan.status?.traffic.localizedShare.node == 1)
  }

  @Test("A plan that moves as many as may move stays")
  func stays() throws {
    let outcome = try search(maxMoves: 2).run { false }
    #expect(outcome.choice == .keep)
    #expect(outcome.plan.status?.moves == 2)
  }
}
