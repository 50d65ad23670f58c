import PlacementTestSupport
import Synchronization
import Testing

@testable import Placement

@Suite("The time limit")
struct TimeLimitTests {
  private static func problem(replicas: [Int]) -> Problem {
    Problem(
      resources: ["cpu"], nodes: [.init(name: "a"), .init(name: "b")],
      workloads: replicas.enumerated().map { .init(name: "w\($0)", replicas: $1) },
      requests: replicas.map { _ in 0 }, allocatable: [1, 1])
  }

  @Test("ends a first placement that takes long")
  func long() throws {
    let problem = Self.problem(replicas: [1_000_000, 2])
    let options = SolverOptions(timeLimit: .zero)
    let error = #expect(throws: PlacementError.self) { try problem.solve(options, SolverTests.context) }
    #expect(error?.code == .notFound)
    #expect(error?.message.contains("before the time was up") == true)
  }

  @Test("leaves time for a first placement of a small problem")
  func short() throws {
    let problem = RandomProblem(workloads: 30, nodes: 8, replicas: 1...5).problem(seed: 1)
    let solution = try problem.solve(SolverOptions(timeLimit: .zero), SolverTests.context)
    #expect(problem.brokenConstraint(solution.assignment) == nil)
  }
}
