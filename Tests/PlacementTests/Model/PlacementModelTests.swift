import PlacementTestSupport
import Testing

@testable import Placement

/// Kinds of problems small enough to try every placement of.
struct Kind: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var recipe: RandomProblem

  init(_ name: String, workloads: Int = 6, nodes: Int = 3, _ change: (inout RandomProblem) -> Void = { _ in }) {
    testDescription = name
    recipe = RandomProblem(workloads: workloads, nodes: nodes)
    change(&recipe)
  }

  static let all = [
    Kind("like nodes"),
    Kind("like nodes, two zones", nodes: 4) { $0.zones = 2 },
    Kind("unlike nodes") { $0.likeNodes = false },
    Kind("replicas", workloads: 4) { $0.replicas = 1...4 },
    Kind("replicas, two zones", workloads: 4, nodes: 4) {
      $0.replicas = 1...3
      $0.zones = 2
    },
    Kind("several resources") { $0.resources = 3 },
    Kind("limits", workloads: 5) {
      $0.replicas = 1...2
      $0.limits = true
    },
    Kind("peak utilization", workloads: 5) {
      $0.replicas = 1...2
      $0.reserved = true
      $0.weights.utilization = 300
    },
    Kind("cost of moves", workloads: 5) {
      $0.replicas = 1...3
      $0.current = true
      $0.weights.move = 7
    },
    Kind("limit of moves", workloads: 5) {
      $0.replicas = 1...2
      $0.current = true
      $0.weights.maxMoves = 2
    },
    Kind("rules, one replica", workloads: 5, nodes: 4) { $0.rulesOfEachKind = 2 },
    Kind("rules, replicas", workloads: 4, nodes: 4) {
      $0.replicas = 1...3
      $0.rulesOfEachKind = 2
    },
    Kind("mean of two matrices", workloads: 5) {
      $0.replicas = 1...2
      $0.zones = 2
      $0.matrices = 2
    },
    Kind("mean of three matrices", workloads: 5) {
      $0.replicas = 1...2
      $0.matrices = 3
    },
    Kind("worst of two matrices", workloads: 5) {
      $0.replicas = 1...2
      $0.matrices = 2
      $0.combination = .worst
    },
    Kind("worst of three matrices, two zones", workloads: 5, nodes: 4) {
      $0.replicas = 1...2
      $0.zones = 2
      $0.matrices = 3
      $0.combination = .worst
    },
    Kind("worst of two matrices, everything", workloads: 4, nodes: 4) {
      $0.replicas = 1...3
      $0.rulesOfEachKind = 1
      $0.zones = 2
      $0.reserved = true
      $0.current = true
      $0.matrices = 2
      $0.combination = .worst
      $0.weights = Problem.Weights(utilization: 200, move: 5, maxMoves: 4)
    },
    Kind("everything", workloads: 4, nodes: 4) {
      $0.replicas = 1...3
      $0.rulesOfEachKind = 1
      $0.zones = 2
      $0.resources = 2
      $0.reserved = true
      $0.current = true
      $0.weights = Problem.Weights(utilization: 200, move: 5, maxMoves: 4)
    },
  ]
}

@Suite("The ILP in GLPK")
struct PlacementModelTests {
  @Test("It finds the optimum that trying every placement finds", arguments: Kind.all, 1...3)
  func optimum(kind: Kind, seed: Int) throws {
    let (problem, _) = kind.recipe.make(seed: UInt64(seed))
    let best = try #require(problem.exhaustiveOptimum())
    let outcome = try PlacementModel(problem).solve()
    let found = try #require(outcome.assignment)
    #expect(outcome.isOptimal)
    #expect(problem.brokenConstraint(found) == nil)
    #expect(abs(problem.evaluate(found).objective - best.objective) < 1e-6 * (1 + best.objective))
    #expect(abs(outcome.lowerBound - best.objective) < 1e-6 * (1 + best.objective))
  }

  @Test("Every placement, with like nodes in order, satisfies its rows and costs what it should", arguments: Kind.all)
  func everyPlacement(kind: Kind) throws {
    let (problem, _) = kind.recipe.make(seed: 5)
    let model = PlacementModel(problem)
    var count = 0
    problem.forEachPlacement { assignment in
      count += 1
      guard count % 7 == 0 else { return }
      let values = model.values(assignment)
      #expect(model.formulation.isSatisfied(by: values))
      let objective = problem.evaluate(assignment).objective
      #expect(abs(model.formulation.objective(values) - objective) < 1e-9 * (1 + objective))
      let back = model.assignment(values)
      #expect(problem.brokenConstraint(back) == nil)
    }
    #expect(count > 0)
  }

  @Test("A placement from outside is the incumbent from the start", arguments: Kind.all)
  func incumbent(kind: Kind) throws {
    let (problem, placement) = kind.recipe.make(seed: 6)
    let objective = problem.evaluate(placement).objective
    let best = try #require(problem.exhaustiveOptimum()).assignment
    var asked: [Double?] = []
    let outcome = try PlacementModel(problem).solve(suggestion: {
      asked.append($0)
      return asked.count == 1 ? best : nil
    })
    // Unless the first LP is whole and ends the search, it asks, and asks no more about anything worse.
    #expect(asked.dropFirst().allSatisfy { $0 ?? .infinity <= objective + 1e-6 })
    #expect(outcome.isOptimal)
    let found = try #require(outcome.assignment)
    #expect(problem.evaluate(found).objective <= objective + 1e-6)
  }

  @Test("On a few nodes it finds the best that can be done there", arguments: Kind.all, 1...2)
  func someNodes(kind: Kind, seed: Int) throws {
    let (problem, placement) = kind.recipe.make(seed: UInt64(seed))
    let before = problem.evaluate(placement).objective
    let choices = [[0, 1], [1, 2], [2, 0]]
    var best = choices.map { _ in before }
    problem.forEachPlacement { other in
      let objective = problem.evaluate(other).objective
      for (i, nodes) in choices.enumerated() where objective < best[i] {
        let stays = problem.workloads.indices.allSatisfy { w in
          other.placed[w].filter { !nodes.contains($0.node) } == placement.placed[w].filter { !nodes.contains($0.node) }
        }
        if stays { best[i] = objective }
      }
    }
    for (nodes, best) in zip(choices, best) {
      let improved = try problem.improved(placement, on: nodes, nodeLimit: 10_000)
      let found = problem.evaluate(improved ?? placement).objective
      #expect(abs(found - best) < 1e-6 * (1 + best), "nodes \(nodes)")
      if let improved {
        #expect(problem.brokenConstraint(improved) == nil)
        #expect(found < before)
      }
    }
  }

  @Test("Amounts may be bytes, with no common divisor", arguments: 1...3)
  func bytes(seed: UInt64) throws {
    var recipe = RandomProblem(workloads: 10, nodes: 4)
    recipe.replicas = 1...3
    recipe.likeNodes = false
    recipe.resources = 2
    var (problem, placement) = recipe.make(seed: seed)
    let small = try problem.improved(placement, on: [0, 1, 2], nodeLimit: 20_000)
    for i in problem.requests.indices { problem.requests[i] = problem.requests[i] * 87_654_321 - Int64(i) }
    for i in problem.allocatable.indices { problem.allocatable[i] *= 87_654_321 }
    let large = try problem.improved(placement, on: [0, 1, 2], nodeLimit: 20_000)
    let best = problem.evaluate(small ?? placement).objective
    #expect(abs(problem.evaluate(large ?? placement).objective - best) < 1e-6 * (1 + best))
    #expect(problem.brokenConstraint(large ?? placement) == nil)
  }

  @Test("Its bound is below every placement when it has to stop early")
  func earlyBound() throws {
    var recipe = RandomProblem(workloads: 12, nodes: 3)
    recipe.graph = .sparse(degree: 2.5)
    for seed in 1...3 as ClosedRange<UInt64> {
      let (problem, placement) = recipe.make(seed: seed)
      let model = PlacementModel(problem)
      let full = try model.solve()
      let best = try #require(full.assignment.map { problem.evaluate($0).objective })
      var bounds: [Double] = []
      var suggested = false
      let part = try model.solve(.init(nodes: 5)) { _ in
        defer { suggested = true }
        return suggested ? nil : placement
      } onBound: {
        bounds.append($0)
      }
      #expect(full.isOptimal && full.nodes > 5)
      #expect(!part.isOptimal)
      #expect(part.lowerBound <= best + 1e-6)
      #expect(bounds == bounds.sorted())
      let found = try #require(part.assignment)
      #expect(problem.evaluate(found).objective <= problem.evaluate(placement).objective)
    }
  }

  @Test("The same node limit gives the same placement")
  func deterministic() throws {
    var recipe = RandomProblem(workloads: 14, nodes: 3)
    recipe.replicas = 1...2
    let (problem, placement) = recipe.make(seed: 9)
    let runs = try (0..<2).map { _ in try problem.improved(placement, on: [0, 1, 2], nodeLimit: 300) }
    #expect(runs[0] == runs[1])
    #expect(runs[0] != nil)
  }

  @Test("It stops when it is told to")
  func cancelled() throws {
    let (problem, _) = RandomProblem(workloads: 14, nodes: 3).make(seed: 2)
    var visits = 0
    let outcome = try PlacementModel(problem).solve(onBound: { _ in visits += 1 }, shouldStop: { visits > 0 })
    #expect(!outcome.isOptimal && !outcome.isInfeasible)
  }

  @Test("Where there is no placement it says so", arguments: [Int64(149), 150])
  func infeasible(capacity: Int64) throws {
    var problem = Problem(
      resources: ["cpu"], nodes: [.init(name: "a"), .init(name: "b")], workloads: [.init(name: "w", replicas: 2)],
      requests: [150], allocatable: [capacity, capacity])
    problem.partitions = [.init(name: "host", domain: [0, 1])]
    problem.rules = [.atMost(workload: 0, partition: 0, count: 1)]
    let outcome = try PlacementModel(problem).solve()
    #expect(outcome.isInfeasible == (capacity < 150))
  }
}
