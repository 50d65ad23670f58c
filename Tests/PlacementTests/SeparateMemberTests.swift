import Foundation
import PlacementTestSupport
import Testing

@testable import Placement

@Suite("A member on a thread of its own")
struct SeparateMemberTests {
  /// Keeps a program of GLPK from cycle to cycle, and says whether it still has it.
  private final class Keeper: Portfolio.Member {
    private let thread = Thread.current
    private let program = try? LinearProgram()

    var phase: String { "keeping" }
    func share(inCycle cycle: Int) -> Double { Double(cycle) }

    func work(_ slice: WorkSlice, cycle: Int, best: Portfolio.Best) -> Portfolio.Finding {
      let isKept = Thread.current === thread && (try? program?.addRow()) != nil
      return Portfolio.Finding(lowerBound: isKept ? 1 : 0)
    }
  }

  @Test("Keeps its programs while those of the worker are abandoned")
  func keepsPrograms() throws {
    let (problem, placement) = RandomProblem(workloads: 12, nodes: 3).make(seed: 1)
    let member = SeparateMember { Keeper() }
    let slice = WorkSlice(SolverContext(elapsed: { .zero }), end: nil, work: 1) { false }
    let best = Portfolio.Best(assignment: placement, evaluation: problem.evaluate(placement), lowerBound: 0)
    #expect(member.phase == "keeping")
    for cycle in 0..<3 {
      #expect(member.share(inCycle: cycle) == Double(cycle))
      #expect(member.work(slice, cycle: cycle, best: best).lowerBound == 1)
      let abandoned = try PlacementModel(problem).solve(shouldStop: { true })
      #expect(!abandoned.isOptimal)
    }
  }
}
