import Placement
import Testing

@testable import Planner

@Suite struct PlanChoiceTests {
  private func standing(_ placements: [String: [String: Int]]) throws -> PlacementPlan.Standing {
    try plan(placements).standing(on: SampleCluster().input())
  }

  private func choice(
    found: Double, current: PlacementPlan.Standing?, minimumGain: Double, maxMoves: Int? = nil
  ) throws -> PlanChoice {
    var problem = try SampleCluster().input().problem
    problem.weights.maxMoves = maxMoves
    // All of it runs where the first node is.
    problem.current = problem.workloads.map { [Problem.Placed(node: 0, replicas: $0.replicas)] }
    return PlanChoice(found: found, current: current, on: problem, minimumGain: minimumGain)
  }

  @Test("A plan that can be followed is replaced by one that is better by enough, and by no other")
  func gain() throws {
    // All of the traffic, 100, leaves its node.
    let apart = try standing(["a": ["n1": 1], "b": ["n2": 1], "c": ["n1": 1]])
    #expect(apart.isSound)
    #expect(apart.evaluation.objective == 100)
    #expect(try choice(found: 50, current: apart, minimumGain: 0.1) == .replace(gain: 0.5))
    #expect(try choice(found: 95, current: apart, minimumGain: 0.1) == .keep)
    #expect(try choice(found: 95, current: apart, minimumGain: 0) == .replace(gain: 0.05))
    #expect(try choice(found: 100, current: apart, minimumGain: 0) == .keep)
    #expect(try choice(found: 101, current: apart, minimumGain: 0) == .keep)
    #expect(try choice(found: 101, current: apart, minimumGain: -1) == .keep)
  }

  @Test("A plan without any cost is never replaced")
  func perfect() throws {
    let together = try standing(["a": ["n1": 1], "b": ["n1": 1], "c": ["n1": 1]])
    #expect(together.evaluation.objective == 0)
    #expect(try choice(found: 0, current: together, minimumGain: 0) == .keep)
  }

  @Test(
    "A plan that cannot be followed is replaced whatever the other costs",
    arguments: [
      ["a": ["n1": 1], "b": ["n1": 1]],
      ["a": ["n1": 1], "b": ["n1": 1], "c": ["gone": 1]],
      ["a": ["n1": 2], "b": ["n1": 1], "c": ["n1": 1]],
    ] as [[String: [String: Int]]]
  )
  func broken(placements: [String: [String: Int]]) throws {
    let standing = try standing(placements)
    #expect(!standing.isSound)
    #expect(try choice(found: 1000, current: standing, minimumGain: 0.5) == .replace(gain: nil))
  }

  @Test("A plan may speak of workloads that are gone")
  func gone() throws {
    #expect(try standing(["a": ["n1": 1], "b": ["n1": 1], "c": ["n2": 1], "old": ["n1": 3]]).isSound)
  }

  @Test("A plan that moves more than may move by now is replaced whatever the other costs")
  func moves() throws {
    let problem = try SampleCluster().input().problem
    let other = problem.nodes[1].name
    let apart = try standing(["a": [other: 1], "b": [other: 1], "c": [problem.nodes[0].name: 1]])
    #expect(try choice(found: 1000, current: apart, minimumGain: 0, maxMoves: 2) == .keep)
    #expect(try choice(found: 1000, current: apart, minimumGain: 0, maxMoves: 1) == .replace(gain: nil))
  }

  @Test("Without a plan any is welcome")
  func none() throws {
    #expect(try choice(found: 1000, current: nil, minimumGain: 0.5) == .replace(gain: nil))
  }
}
