import Model
import Testing

@testable import Placement

@Suite("Recombination") struct RecombinationTests {
  /// Pairs of workloads with traffic, of which two fit on a node.
  private static func pairs(_ count: Int) -> Problem {
    var problem = Problem(
      resources: ["cpu"], nodes: (0..<count).map { Problem.Node(name: "n\($0)") },
      workloads: (0..<2 * count).map { Problem.Workload(name: "w\($0)", replicas: 1) },
      requests: Array(repeating: 1, count: 2 * count), allocatable: Array(repeating: 2, count: count))
    problem.edges = (0..<count).map { Problem.Edge(u: 2 * $0, v: 2 * $0 + 1, traffic: 1) }
    problem.weights = Problem.Weights(leavingNode: 1, leavingZone: 0)
    return problem
  }

  private static func placement(_ nodes: [Int]) -> Assignment {
    Assignment(placed: nodes.map { [Problem.Placed(node: $0, replicas: 1)] })
  }

  @Test("What each of two placements does well comes together, on whichever node")
  func halves() throws {
    let problem = Self.pairs(4)
    let recombination = try Recombination(problem)
    // The first two pairs are together in the first, on the nodes where the second has the other two.
    let first = Self.placement([0, 0, 1, 1, 2, 3, 2, 3])
    let second = Self.placement([2, 3, 2, 3, 0, 0, 1, 1])
    #expect(problem.evaluate(first).objective == 2 && problem.evaluate(second).objective == 2)
    for placement in [first, second] { try recombination.add(placement) }
    let found = try #require(try recombination.recombine(upTo: 1, WorkBudget()))
    #expect(problem.isFeasible(found))
    #expect(problem.evaluate(found).objective == 0)
  }

  @Test("What comes out keeps all constraints and is no worse than what went in", arguments: 1...20)
  func feasible(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let count = 4 + random.below(4)
    var problem = Self.pairs(count)
    problem.edges += (0..<2 * count).map { w in
      Problem.Edge(u: w, v: (w + 2 + random.below(3)) % (2 * count), traffic: Double(1 + random.below(9)))
    }
    let recombination = try Recombination(problem)
    var best = Double.infinity
    for start in 0..<4 {
      let search = LocalSearch(
        problem, from: try problem.start(seed: seed), seed: seed &+ UInt64(start), packsFillers: true, mayBreak: false)
      let context = SolverContext(elapsed: { .zero }, isCancelled: { false }, progress: { _ in })
      var slice = WorkSlice(context, end: nil, work: 2000, isOver: { false })
      let placement = try #require(search.run(&slice, from: problem.start(seed: seed), isHot: true))
      best = min(best, problem.evaluate(placement).objective)
      try recombination.add(placement)
    }
    let found = try #require(try recombination.recombine(upTo: 1, WorkBudget()))
    #expect(problem.isFeasible(found))
    #expect(problem.evaluate(found).objective <= best)
  }

  @Test("A budget that is spent ends it without a placement")
  func budget() throws {
    let problem = Self.pairs(4)
    let recombination = try Recombination(problem)
    try recombination.add(Self.placement([0, 0, 1, 1, 2, 3, 2, 3]))
    #expect(try recombination.recombine(upTo: 1, WorkBudget(work: 1)) == nil)
  }

  @Test("It suits where nodes are all that traffic leaves, and nothing runs yet")
  func suits() {
    var problem = Self.pairs(4)
    #expect(Recombination.suits(problem))
    problem.weights = Problem.Weights(leavingNode: 0, leavingZone: 1)
    #expect(!Recombination.suits(problem))
  }
}
