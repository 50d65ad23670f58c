import Foundation
import Model
import PlacementTestSupport
import Testing

@testable import Placement

/// What runs now and may stay where it could not start.
@Suite("What runs may stay where it could not start")
struct StayingTests {
  private static var context: SolverContext {
    let start = ContinuousClock.now
    return SolverContext(elapsed: { ContinuousClock.now - start })
  }

  /// Small problems in which what runs breaks constraints.
  static let kinds = [
    Kind("limits and capacity", workloads: 4) {
      $0.replicas = 1...3
      $0.resources = 2
      $0.current = true
      $0.isBroken = true
    },
    Kind("few moves", workloads: 4) {
      $0.replicas = 1...3
      $0.current = true
      $0.isBroken = true
      $0.weights.maxMoves = 1
    },
    Kind("peak utilization", workloads: 4) {
      $0.replicas = 1...3
      $0.current = true
      $0.isBroken = true
      $0.reserved = true
      $0.weights = Problem.Weights(utilization: 200, move: 1)
    },
    Kind("rules", workloads: 4, nodes: 4) {
      $0.replicas = 1...3
      $0.rulesOfEachKind = 2
      $0.current = true
      $0.isBroken = true
      $0.weights.maxMoves = 2
    },
    Kind("rules that are dear", workloads: 4, nodes: 4) {
      $0.replicas = 1...3
      $0.rulesOfEachKind = 1
      $0.zones = 2
      $0.current = true
      $0.isBroken = true
      $0.weights.move = 10
    },
    Kind("nodes that offer none", workloads: 4) {
      $0.replicas = 1...3
      $0.resources = 2
      $0.current = true
      $0.isStranded = true
      $0.weights = Problem.Weights(utilization: 200, move: 1)
    },
    Kind("nodes that offer none, few moves and zones", workloads: 4, nodes: 4) {
      $0.replicas = 1...3
      $0.zones = 2
      $0.fill = 0.5
      $0.current = true
      $0.reserved = true
      $0.isStranded = true
      $0.weights = Problem.Weights(utilization: 50, maxMoves: 2)
    },
    Kind("rules of workloads that shrink", workloads: 4, nodes: 4) {
      $0.replicas = 2...4
      $0.rulesOfEachKind = 2
      $0.fill = 0.5
      $0.current = true
      $0.isBroken = true
      $0.isStranded = true
    },
    Kind("affinity to itself", workloads: 4, nodes: 4) {
      $0.replicas = 1...3
      $0.selfAffinity = true
    },
    Kind("affinity to itself, running", workloads: 4, nodes: 4) {
      $0.replicas = 1...3
      $0.current = true
      $0.selfAffinity = true
      $0.isBroken = true
      $0.weights.maxMoves = 3
    },
  ]

  @Test("The ILP has the optimum that trying every placement finds, or none", arguments: kinds, 1...8)
  func model(kind: Kind, seed: Int) throws {
    let problem = kind.recipe.problem(seed: UInt64(seed))
    let best = problem.exhaustiveOptimum()
    for problem in [problem, problem.withSimplerRules()] {
      let outcome = try PlacementModel(problem).solve()
      #expect(outcome.isInfeasible == (best == nil))
      guard let best else { continue }
      let found = try #require(outcome.assignment)
      #expect(problem.brokenConstraint(found) == nil)
      #expect(abs(problem.evaluate(found).objective - best.objective) < 1e-6 * (1 + best.objective))
      #expect(outcome.isOptimal)
    }
  }

  @Test("The search finds it too, proves it, and moves no more than allowed", arguments: kinds, 1...2)
  func optimum(kind: Kind, seed: Int) throws {
    let problem = kind.recipe.problem(seed: UInt64(seed))
    guard let best = problem.exhaustiveOptimum() else { return }
    let tolerance = 1e-6 * (1 + best.objective)
    let solution = try problem.solve(Self.options, Self.context)
    #expect(problem.brokenConstraint(solution.assignment) == nil)
    #expect(problem.isFeasible(solution.assignment))
    #expect(solution.evaluation.moves <= problem.weights.maxMoves ?? .max)
    #expect(solution.isOptimal)
    #expect(abs(solution.evaluation.objective - best.objective) < tolerance)
    #expect(solution.lowerBound <= best.objective + tolerance)
  }

  private static let options = SolverOptions(timeLimit: .seconds(60), effort: 4, threads: 1, prove: true)

  @Test("No bound is above what the best placement costs", arguments: kinds, 11...16)
  func bounds(kind: Kind, seed: Int) throws {
    let problem = kind.recipe.problem(seed: UInt64(seed)).withSimplerRules()
    guard let best = problem.exhaustiveOptimum() else { return }
    let finding = try PatternBound(problem).run(from: best.assignment, WorkBudget(work: 1_000_000))
    #expect(finding.lowerBound <= best.objective + 1e-6 * (1 + best.objective))
    if let better = finding.assignment { #expect(problem.brokenConstraint(better) == nil) }
  }

  @Test("Violations are those of the definition, and searches count them as they are", arguments: kinds, 21...23)
  func violations(kind: Kind, seed: Int) throws {
    let problem = kind.recipe.problem(seed: UInt64(seed))
    let simpler = problem.withSimplerRules()
    var random = SeededGenerator(seed: UInt64(seed))
    let search = SearchProblem(simpler, packsFillers: false)
    var counts = (kept: 0, broken: 0)
    for _ in 0..<300 {
      let assignment = Self.draw(problem, &random)
      var unlimited = problem
      unlimited.weights.maxMoves = nil
      let isKept = unlimited.brokenConstraint(assignment) == nil
      #expect(problem.violations(assignment).isEmpty == isKept)
      #expect(simpler.violations(assignment).isEmpty == isKept)
      let isWithinLimits = simpler.workloads.indices.allSatisfy { w in
        assignment.placed[w].allSatisfy { $0.replicas <= simpler.limit(workload: w, node: $0.node) }
      }
      if isWithinLimits {
        let state = SearchState(search, assignment, penaltyWeight: 1)
        #expect((state.brokenCount == 0) == isKept)
      }
      if isKept { counts.kept += 1 } else { counts.broken += 1 }
    }
    #expect(counts.broken > 0)
  }

  /// Where replicas run, as often as not.
  private static func draw(_ problem: Problem, _ random: inout SeededGenerator) -> Assignment {
    let stays = random.below(4)
    return Assignment(
      placed: problem.workloads.enumerated().map { w, workload in
        var on = Array(repeating: 0, count: problem.nodes.count)
        var left = workload.replicas
        for place in problem.current[w] ?? [] where random.below(4) < stays {
          let count = min(left, place.replicas)
          on[place.node] += count
          left -= count
        }
        for _ in 0..<left { on[random.below(on.count)] += 1 }
        return on.indices.filter { on[$0] > 0 }.map { Problem.Placed(node: $0, replicas: on[$0]) }
      })
  }

  @Test(
    "glpsol finds the same on the exported model", .enabled(if: Glpsol.isExpected, "glpsol is not on the PATH"),
    arguments: kinds, 31...33)
  func exported(kind: Kind, seed: Int) throws {
    let problem = kind.recipe.problem(seed: UInt64(seed))
    let answer = try Glpsol.solve("placement.mod", text: problem.exportModel())
    guard let best = problem.exhaustiveOptimum() else {
      #expect(!answer.isOptimal)
      return
    }
    let cost = try #require(answer.cost, "\(answer.output.suffix(500))")
    #expect(answer.isOptimal)
    #expect(abs(cost - best.objective) < 1e-6 * (1 + best.objective))
  }

  /// Two nodes of 10, the first cordoned, with four replicas on it.
  private static func cordoned(maxMoves: Int?) -> Problem {
    var problem = Problem(
      resources: ["cpu"], nodes: [.init(name: "n0"), .init(name: "n1")], workloads: [.init(name: "w", replicas: 4)],
      requests: [2], allocatable: [10, 10])
    problem.limitRows = [[0, .max]]
    problem.current = [[.init(node: 0, replicas: 4)]]
    problem.weights.maxMoves = maxMoves
    return problem
  }

  @Test("On a cordoned node what runs stays where nothing may move", arguments: [0, 1, 3])
  func cordon(most: Int) throws {
    let problem = Self.cordoned(maxMoves: most)
    #expect(problem.violations(Assignment(placed: [[.init(node: 0, replicas: 4)]])) == [])
    let solution = try problem.solve(Self.options, Self.context)
    #expect(solution.evaluation.moves <= most)
    var grown = problem
    grown.workloads[0].replicas = 5
    // What is new starts elsewhere.
    #expect(try grown.solve(Self.options, Self.context).assignment.placed[0].contains { $0.node == 1 })
  }

  @Test("Where more is evicted than may move there is no placement, and the limit is named", arguments: [true, false])
  func evicted(isCounted: Bool) throws {
    var problem = Self.cordoned(maxMoves: 3)
    problem.evictedFrom = [0: [0]]
    if !isCounted {
      // Now it is another that has to make room.
      problem.evictedFrom = [:]
      problem.limitRows = [[0, .max], [0, 1]]
      problem.workloads = [.init(name: "w", replicas: 4), .init(name: "v", replicas: 1, limitRow: 1)]
      problem.requests = [3, 9]
      problem.current = [[.init(node: 1, replicas: 4)], nil]
      problem.allocatable = [10, 12]
      problem.weights.maxMoves = 2
      problem.limitRows[0] = [.max, .max]
    }
    let error = #expect(throws: PlacementError.self) { try problem.solve(Self.options, Self.context) }
    #expect(error?.code == .infeasible)
    #expect(error.map { "\($0)".contains(isCounted ? "at most 3" : "at most 2") } == true, "\(error as Any)")
  }

  @Test("The limit of moves is kept by searches of many replicas too")
  func large() throws {
    var recipe = RandomProblem(
      workloads: 700, nodes: 40, graph: .powerLaw(calls: 4), replicas: 3...4, fill: 0.5, zones: 2)
    recipe.current = true
    var (problem, placement) = recipe.make(seed: 3)
    problem.current = placement.placed.map { $0 }
    problem.limitRows = [(0..<40).map { $0 < 4 ? 0 : .max }]
    problem.weights.maxMoves = 5
    let solution = try problem.solve(SolverOptions(timeLimit: nil, effort: 1), Self.context)
    #expect(solution.evaluation.moves <= 5)
    #expect(problem.brokenConstraint(solution.assignment) == nil)
  }

  @Test("A workload that wants to be with itself goes where its traffic is, wherever its replicas would have most room")
  func domain() throws {
    var problem = Problem(
      resources: ["cpu"], nodes: ["a", "b", "c", "d"].map { .init(name: $0) },
      workloads: [.init(name: "w", replicas: 4), .init(name: "v", replicas: 1, limitRow: 1)], requests: [2, 2],
      allocatable: [20, 20, 10, 10])
    problem.limitRows = [[.max, .max, .max, .max], [0, 0, 0, .max]]
    problem.edges = [.init(u: 0, v: 1, traffic: 100)]
    problem.partitions = [Problem.Partition(name: "zone", domain: [0, 0, 1, 1])]
    problem.rules = [
      .together(workload: 0, others: [], staying: [0], partition: 0, present: [false, false], first: true)
    ]
    let solution = try problem.solve(Self.options, Self.context)
    #expect(solution.assignment.placed[0] == [.init(node: 3, replicas: 4)])
    #expect(solution.isOptimal)
    let apart = Assignment(placed: [[.init(node: 0, replicas: 4)], [.init(node: 3, replicas: 1)]])
    #expect(problem.violations(apart) == [])
    let split = Assignment(
      placed: [[.init(node: 0, replicas: 2), .init(node: 2, replicas: 2)], [.init(node: 3, replicas: 1)]])
    #expect(!problem.violations(split).isEmpty)
    // What is split already may stay so, and grow.
    problem.current = [[.init(node: 0, replicas: 1), .init(node: 2, replicas: 2)], nil]
    #expect(problem.violations(split) == [])
  }
}
