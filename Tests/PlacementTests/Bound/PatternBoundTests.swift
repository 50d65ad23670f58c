import PlacementTestSupport
import Testing

@testable import Placement

@Suite("The pattern bound")
struct PatternBoundTests {
  /// A recipe for problems small enough to try all placements, and whether the bound decides them alone.
  struct Case: CustomTestStringConvertible {
    var name: String
    var decides: Bool
    var recipe: RandomProblem
    var testDescription: String { name }

    init(
      _ name: String, decides: Bool = true, workloads: Int = 6, nodes: Int = 3,
      _ adjust: (inout RandomProblem) -> Void
    ) {
      self.name = name
      self.decides = decides
      recipe = RandomProblem(workloads: workloads, nodes: nodes)
      recipe.weights = Problem.Weights(leavingNode: 1, leavingZone: 0)
      adjust(&recipe)
    }
  }

  static let cases: [Case] = [
    Case("like nodes") { $0.fill = 0.7 },
    Case("like nodes, full") { $0.fill = 0.95 },
    Case("replicas", workloads: 5) { $0.replicas = 1...3 },
    Case("replicas and two resources", workloads: 5) {
      $0.replicas = 1...2
      $0.resources = 2
    },
    Case("unlike nodes") { $0.likeNodes = false },
    Case("limits", workloads: 5) {
      $0.limits = true
      $0.replicas = 1...2
    },
    Case("reserved capacity") { $0.reserved = true },
    Case("peak utilization") { $0.weights.utilization = 100 },
    Case("peak utilization above all", workloads: 5) {
      $0.weights.utilization = 3000
      $0.replicas = 1...2
      $0.resources = 2
    },
    Case("peak utilization of unlike nodes", workloads: 5) {
      $0.weights.utilization = 200
      $0.likeNodes = false
      $0.reserved = true
      $0.replicas = 1...2
    },
    Case("few edges") { $0.graph = .sparse(degree: 0.5) },
    Case("power law") { $0.graph = .powerLaw(calls: 2) },
    Case("zones", decides: false, nodes: 4) {
      $0.zones = 2
      $0.weights.leavingZone = 3
    },
    Case("zones alone", decides: false, nodes: 4) {
      $0.zones = 2
      $0.weights.leavingNode = 0
      $0.weights.leavingZone = 3
      $0.weights.utilization = 50
    },
    Case("rules", decides: false, workloads: 5) {
      $0.rulesOfEachKind = 1
      $0.replicas = 1...2
    },
    Case("rules, limits and zones", decides: false, workloads: 5, nodes: 4) {
      $0.rulesOfEachKind = 1
      $0.limits = true
      $0.zones = 2
      $0.weights.leavingZone = 3
      $0.weights.utilization = 100
    },
    Case("moves", decides: false, workloads: 5) {
      $0.current = true
      $0.weights.move = 20
      $0.replicas = 1...2
    },
    Case("few moves", decides: false, workloads: 5) {
      $0.current = true
      $0.weights.maxMoves = 2
      $0.replicas = 1...2
    },
  ]

  /// Runs a bound to its end, and holds what it finds against the optimum.
  private func check(
    _ test: Case, seed: UInt64, _ bound: (Problem) throws -> PatternBound
  ) throws -> PatternBound.Finding {
    let (problem, placement) = test.recipe.make(seed: seed)
    let optimum = try #require(problem.exhaustiveOptimum()).objective
    let slack = 1e-6 * (1 + abs(optimum) + problem.weights.utilization)
    let finding = try bound(problem).run(from: placement, WorkBudget())
    #expect(finding.lowerBound <= optimum + slack, "seed \(seed)")
    let best = finding.assignment ?? placement
    #expect(problem.brokenConstraint(best) == nil, "seed \(seed)")
    let objective = problem.evaluate(best).objective
    #expect(objective >= optimum - slack, "seed \(seed)")
    if finding.isOptimal { #expect(abs(objective - optimum) <= slack, "seed \(seed)") }
    return finding
  }

  @Test(
    "Never exceeds the optimum, and is the optimum where it says so", arguments: cases, [PatternTier.firstBits, 5])
  func isBelowOptimum(_ test: Case, firstBits: Int) throws {
    for seed in UInt64(1)...(firstBits == PatternTier.firstBits ? 15 : 5) {
      let finding = try check(test, seed: seed) { try PatternBound($0, firstBits: firstBits) }
      if test.decides { #expect(finding.isOptimal, "seed \(seed)") }
    }
  }

  @Test("Comes to an end where few patterns may be listed", arguments: cases, [1, 8])
  func endsWithFewPatterns(_ test: Case, mostPatterns: Int) throws {
    for seed in UInt64(1)...3 {
      let finding = try check(test, seed: seed) { try PatternBound($0, mostPatterns: mostPatterns) }
      #expect(finding.isExhausted, "seed \(seed)")
    }
  }

  @Test("Is a bound whenever it is stopped", arguments: [0, 2000, 20_000], [PatternTier.firstBits, 5])
  func isBelowOptimumWhenStopped(work: Int, firstBits: Int) throws {
    for test in Self.cases {
      let (problem, placement) = test.recipe.make(seed: 99)
      let optimum = try #require(problem.exhaustiveOptimum()).objective
      let bound = try PatternBound(problem, firstBits: firstBits)
      for _ in 0..<3 {
        let finding = try bound.run(from: placement, WorkBudget(work: work))
        #expect(finding.lowerBound <= optimum + 1e-6 * (1 + abs(optimum) + problem.weights.utilization))
      }
    }
  }

  @Test("Is the optimum where a resource is ample on some nodes", arguments: UInt64(1)...10)
  func isOptimumWithAmpleResource(seed: UInt64) throws {
    var recipe = RandomProblem(workloads: 5, nodes: 3)
    recipe.replicas = 1...3
    recipe.resources = 2
    recipe.fill = 0.9
    recipe.weights = Problem.Weights(leavingNode: 1, leavingZone: 0)
    var (problem, placement) = recipe.make(seed: seed)
    // On one node the first resource alone is scarce, on another just about, on the third as made.
    problem.allocatable[1] *= 4
    problem.allocatable[3] = problem.allocatable[3] * 5 / 4
    let optimum = try #require(problem.exhaustiveOptimum()).objective
    for firstBits in [PatternTier.firstBits, 5] {
      let finding = try PatternBound(problem, firstBits: firstBits).run(from: placement, WorkBudget())
      #expect(finding.isOptimal)
      #expect(abs(finding.lowerBound - optimum) <= 1e-6 * (1 + optimum))
    }
  }

  @Test("Does the same with the same budget of work")
  func isRepeatable() throws {
    var recipe = RandomProblem(workloads: 16, nodes: 4)
    recipe.replicas = 1...3
    recipe.weights = Problem.Weights(leavingNode: 1, leavingZone: 0, utilization: 300)
    let (problem, placement) = recipe.make(seed: 7)
    func bounds() throws -> [Double] {
      let bound = try PatternBound(problem)
      return try (0..<4).map { _ in try bound.run(from: placement, WorkBudget(work: 30_000)).lowerBound }
    }
    #expect(try bounds() == bounds())
  }

  @Test("Copes with problems that have next to nothing in them")
  func trivialProblems() throws {
    func problem(_ replicas: [Int], _ edges: [Problem.Edge]) -> Problem {
      var problem = Problem(
        resources: ["cpu"], nodes: [Problem.Node(name: "a"), Problem.Node(name: "b")],
        workloads: replicas.enumerated().map { Problem.Workload(name: "w\($0)", replicas: $1) },
        requests: replicas.map { _ in 10 }, allocatable: [20, 20])
      problem.edges = edges
      problem.weights.utilization = 10
      return problem
    }
    let edge = Problem.Edge(u: 0, v: 1, traffic: 5)
    for problem in [problem([], []), problem([1], []), problem([1, 1], [edge]), problem([2, 0], [edge])] {
      let optimum = try #require(problem.exhaustiveOptimum())
      let finding = try PatternBound(problem).run(from: optimum.assignment, WorkBudget())
      #expect(finding.isOptimal)
      #expect(abs(finding.lowerBound - optimum.objective) <= 1e-5)
    }
  }
}
