import PlacementTestSupport
import Testing

@testable import Placement

@Suite("What the solver refuses")
struct RefusalTests {
  private static func problem(replicas: [Int]) -> Problem {
    Problem(
      resources: ["cpu"], nodes: [.init(name: "a"), .init(name: "b")],
      workloads: replicas.enumerated().map { .init(name: "w\($0)", replicas: $1) },
      requests: replicas.map { _ in 1 }, allocatable: [.max / 4, 4])
  }

  @Test(
    "More replicas than fit into memory",
    arguments: [[10_000_001], [5_000_000, 5_000_001], [2_147_483_647, 2_147_483_647], [.max, .max, .max]])
  func replicas(counts: [Int]) throws {
    let error = #expect(throws: PlacementError.self) {
      try Self.problem(replicas: counts).solve(SolverOptions(), SolverTests.context)
    }
    #expect(error?.code == .tooLarge)
    #expect(error?.message.contains("w\(counts.count - 1)") == true || counts.count > 1)
  }

  @Test("A placement that breaks a constraint of the problem as it was asked")
  func broken() throws {
    var problem = Self.problem(replicas: [5])
    func solution(_ a: Int, _ b: Int) -> Solution {
      let assignment = Assignment(placed: [[.init(node: 0, replicas: a), .init(node: 1, replicas: b)]])
      return Solution(
        assignment: assignment, evaluation: problem.evaluate(assignment), lowerBound: 0, isOptimal: true)
    }
    #expect(try problem.checked(solution(1, 4)).isOptimal)
    let tooFull = #expect(throws: PlacementError.self) { try problem.checked(solution(0, 5)) }
    #expect(tooFull?.code == .solver)
    #expect(tooFull?.conflicts == ["b: 5 cpu requested of 4 cpu"])
    problem.current = [[.init(node: 0, replicas: 5)]]
    problem.weights.maxMoves = 2
    #expect(try problem.checked(solution(3, 2)).isOptimal)
    let moved = #expect(throws: PlacementError.self) { try problem.checked(solution(1, 4)) }
    #expect(moved?.conflicts == ["4 replicas move, of at most 2"])
  }
}
