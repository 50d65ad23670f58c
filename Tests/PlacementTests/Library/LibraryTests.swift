import PlacementTestSupport
import Testing

@testable import Placement

@Suite("The library of tight and awkward problems")
struct LibraryTests {
  @Test("has all its files")
  func count() { #expect(LibraryInstance.names.count == 79) }

  @Test(
    "is solved to the optimum wherever there is one, and refused with a proof where there is none",
    arguments: LibraryInstance.names)
  func solved(name: String) throws {
    let instance = try LibraryInstance.named(name)
    let problem = try instance.problem()
    let options = SolverOptions(timeLimit: nil, seed: 1, effort: 2)
    guard instance.infeasible != true else {
      let error = #expect(throws: PlacementError.self) { try problem.solve(options, SolverTests.context) }
      #expect(error?.code == .infeasible)
      return
    }
    let solution = try problem.solve(options, SolverTests.context)
    #expect(problem.brokenConstraint(solution.assignment) == nil)
    #expect(solution.lowerBound <= solution.evaluation.objective)
    guard let optimum = instance.optimum else { return }
    let tolerance = 1e-9 * max(1, optimum)
    #expect(abs(solution.evaluation.objective - optimum) <= tolerance)
    #expect(solution.lowerBound <= optimum + tolerance)
  }
}
