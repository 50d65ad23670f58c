import Foundation
import PlacementTestSupport
import Testing

@testable import Placement

@Suite("A proof in slices")
struct ModelProofTests {
  private func problem(_ seed: UInt64) -> (problem: Problem, placement: Assignment) {
    var recipe = RandomProblem(workloads: 14, nodes: 3)
    recipe.replicas = 1...2
    return recipe.make(seed: seed)
  }

  /// Objective and bound after each slice of so many subproblems, to the end.
  private func run(_ problem: Problem, from placement: Assignment, nodes: Int) throws -> [[Double]] {
    let proof = ModelProof(problem)
    var steps: [[Double]] = []
    var best = placement
    while steps.count < 10_000 {
      let outcome = try proof.run(nodes: nodes, suggestion: best, isOver: { false })
      best = outcome.assignment ?? best
      steps.append([problem.evaluate(best).objective, outcome.lowerBound])
      if outcome.isOptimal { break }
    }
    return steps
  }

  @Test("It ends with what a search in one piece ends with", arguments: 1...3)
  func slices(seed: UInt64) throws {
    let (problem, placement) = problem(seed)
    let whole = try PlacementModel(problem).solve()
    let best = try #require(whole.assignment.map { problem.evaluate($0).objective })
    let steps = try run(problem, from: placement, nodes: 3)
    #expect(steps.count > 2)
    #expect(steps.last.map { abs($0[0] - best) < 1e-6 && abs($0[1] - best) < 1e-6 } == true)
    for (before, after) in zip(steps, steps.dropFirst()) {
      #expect(after[0] <= before[0] + 1e-9 && after[1] >= before[1] - 1e-9)
    }
  }

  @Test("Slices of so many subproblems can be repeated")
  func deterministic() throws {
    let (problem, placement) = problem(4)
    #expect(try run(problem, from: placement, nodes: 30) == run(problem, from: placement, nodes: 30))
  }

  @Test("A finished proof says the same again")
  func finished() throws {
    let (problem, placement) = problem(5)
    let proof = ModelProof(problem)
    let first = try proof.run(nodes: nil, suggestion: placement, isOver: { false })
    let second = try proof.run(nodes: 1, suggestion: nil, isOver: { true })
    #expect(first.isOptimal && second.isOptimal)
    #expect(first.assignment == second.assignment)
  }

  @Test("One that is let go in the middle ends its thread")
  func letGo() async throws {
    final class Token: Sendable {}
    weak var token: Token?
    try {
      let held = Token()
      token = held
      let (problem, placement) = problem(6)
      let outcome = try ModelProof(problem).run(nodes: 3, suggestion: placement, isOver: { [held] in held !== held })
      #expect(!outcome.isOptimal)
    }()
    let deadline = ContinuousClock.now + .seconds(20)
    while token != nil && ContinuousClock.now < deadline { try await Task.sleep(for: .milliseconds(5)) }
    #expect(token == nil)
  }
}
