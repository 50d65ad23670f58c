import Model
import PlacementTestSupport
import Testing

@testable import Placement

/// Nodes that offer none of a resource: it counts for no utilization there, and what uses it all the same may stay.
@Suite("Nodes that offer none of a resource")
struct StrandedTests {
  private static let options = SolverOptions(timeLimit: .seconds(60), effort: 4, threads: 1, prove: true)
  private static var context: SolverContext {
    let start = ContinuousClock.now
    return SolverContext(elapsed: { ContinuousClock.now - start })
  }

  /// `g` needs a device; `p` may run on the first node alone, where both run, beside each other.
  private static func pair(devices: [Int64], zones: [Int] = [0, 0]) -> Problem {
    var problem = Problem(
      resources: ["cpu", "device"], nodes: zones.enumerated().map { .init(name: "n\($0)", zone: $1) },
      zones: Set(zones).sorted().map { "z\($0)" },
      workloads: [.init(name: "g", replicas: 1), .init(name: "p", replicas: 1, limitRow: 1)], requests: [1, 1, 1, 0],
      allocatable: zip([10, 10], devices).flatMap { [$0, $1] })
    problem.limitRows.append([.max, 0])
    problem.edges = [.init(u: 0, v: 1, traffic: 1000)]
    problem.current = [[.init(node: 0, replicas: 1)], [.init(node: 0, replicas: 1)]]
    return problem
  }

  @Test(
    "What runs without what it needs stays beside its traffic, on the node and in the zone",
    arguments: [[0, 0], [0, 1]], [0, 200])
  func stays(zones: [Int], utilization: Double) throws {
    var problem = Self.pair(devices: [0, 1], zones: zones)
    problem.weights.utilization = utilization
    let best = try #require(problem.exhaustiveOptimum())
    let solution = try problem.solve(Self.options, Self.context)
    #expect(solution.assignment == best.assignment)
    #expect(abs(solution.evaluation.objective - best.objective) < 1e-6)
    #expect(solution.lowerBound <= best.objective + 1e-6)
    #expect(solution.isOptimal)
    let bound = try PatternBound(problem)
    #expect(try bound.run(from: best.assignment, WorkBudget()).isOptimal)
  }

  @Test("No peak utilization is asked of replicas that may stay where none is offered")
  func floor() throws {
    var problem = Problem(
      resources: ["device"], nodes: [.init(name: "a"), .init(name: "b")], workloads: [.init(name: "w", replicas: 8)],
      requests: [1], allocatable: [0, 10])
    problem.current = [[.init(node: 0, replicas: 8)]]
    problem.weights = Problem.Weights(utilization: 1, move: 0.01)
    #expect(problem.utilizationFloor == 0)
    let solution = try problem.solve(Self.options, Self.context)
    #expect(solution.evaluation.objective == 0)
    #expect(solution.isOptimal)
    // What is new has to run on the other.
    problem.workloads[0].replicas = 9
    #expect(problem.utilizationFloor == 0.1)
    // As has what may not stay.
    problem.evictedFrom = [0: [0]]
    #expect(problem.utilizationFloor == 0.9)
  }

  @Test("Nodes without anything to give have no peak utilization")
  func nothing() throws {
    var problem = Self.pair(devices: [0, 0])
    problem.allocatable = [0, 0, 0, 0]
    problem.weights.utilization = 10
    let solution = try problem.solve(Self.options, Self.context)
    #expect(solution.evaluation.objective == 0)
    #expect(solution.lowerBound == 0)
  }

  /// Nodes of which the first offers devices and the last nothing; the second may be too full of what others use.
  private static func uneven(seed: UInt64) throws -> (problem: Problem, start: Assignment) {
    var recipe = RandomProblem(workloads: 10, nodes: 5, graph: .sparse(degree: 2), replicas: 1...3, fill: 0.4)
    recipe.weights = Problem.Weights(utilization: 300)
    var problem = recipe.problem(seed: seed)
    problem.resources.append("device")
    problem.requests = problem.requests.enumerated().flatMap { [$1, $0 == 0 ? 1 : 0] }
    problem.allocatable = problem.allocatable.enumerated().flatMap { [$0 == 4 ? 0 : $1, $0 == 0 ? 3 : 0] }
    problem.reserved = problem.reserved.flatMap { [$0, 0] }
    if seed % 2 == 0 { problem.reserved[2] = problem.allocatable[2] * 5 / 4 }
    return (problem, try problem.start(seed: seed))
  }

  @Test("Searches count the peak utilization that an evaluation counts", arguments: 1...5 as ClosedRange<UInt64>)
  func cost(seed: UInt64) throws {
    let (problem, start) = try Self.uneven(seed: seed)
    let search = SearchProblem(problem, packsFillers: false)
    var state = SearchState(search, start)
    #expect(abs(state.cost - problem.evaluate(start).objective) < 1e-6)
    var annealing = Annealing(seed: seed)
    annealing.temperature = annealing.typicalChange(&state, samples: 100)
    annealing.run(&state, proposals: 500)
    var assignment = start
    for (m, places) in search.placed(state.snapshot()).enumerated() { assignment.placed[search.members[m]] = places }
    #expect(abs(state.cost - problem.evaluate(assignment).objective) < 1e-6)
  }

  @Test("A first placement is as even where some nodes have devices", arguments: [true, false])
  func packing(hasDevices: Bool) throws {
    var problem = Problem(
      resources: ["cpu", "device"], nodes: (0..<4).map { .init(name: "n\($0)") },
      workloads: [.init(name: "w", replicas: 12)], requests: [1, 0],
      allocatable: [10, hasDevices ? 2 : 0, 10, 0, 10, 0, 10, 0])
    problem.weights.utilization = 1
    #expect(try problem.evaluate(problem.start(seed: 1)).peakUtilization == 0.3)
  }

  @Test("Large plans are as even as where all nodes are alike", arguments: 1...2 as ClosedRange<UInt64>)
  func balance(seed: UInt64) throws {
    var recipe = RandomProblem(workloads: 60, nodes: 8, graph: .sparse(degree: 1), fill: 0.4)
    recipe.weights = Problem.Weights(utilization: 5000)
    let plain = recipe.problem(seed: seed)
    var mixed = plain
    mixed.resources.append("device")
    mixed.requests = plain.requests.flatMap { [$0, 0] }
    mixed.allocatable = plain.allocatable.enumerated().flatMap { [$1, $0 == 0 ? 2 : 0] }
    mixed.reserved = plain.reserved.flatMap { [$0, 0] }
    let options = SolverOptions(timeLimit: nil, seed: seed, effort: 0, threads: 1)
    let peaks = try [plain, mixed].map { try $0.solve(options, Self.context).evaluation.peakUtilization }
    #expect(abs(peaks[1] - peaks[0]) < 0.1 * peaks[0], "\(peaks)")
  }

  @Test("A spread that holds now holds when the workload shrinks")
  func shrinking() throws {
    // 2, 1 and 1 run, and two are to stay; each of the first node's would be beside the traffic.
    var problem = Problem(
      resources: ["cpu"], nodes: (0..<3).map { .init(name: "n\($0)") },
      workloads: [.init(name: "s", replicas: 2), .init(name: "q", replicas: 1, limitRow: 1)], requests: [1, 1],
      allocatable: [10, 10, 10])
    problem.limitRows.append([.max, 0, 0])
    problem.edges = [.init(u: 0, v: 1, traffic: 1000)]
    problem.partitions = [Problem.Partition(name: "host", domain: [0, 1, 2])]
    problem.rules = [
      .spread(
        workload: 0, members: [0], partition: 0, maxSkew: 1, minDomains: 1, base: [0, 0, 0],
        eligible: [true, true, true])
    ]
    problem.current = [
      [.init(node: 0, replicas: 2), .init(node: 1, replicas: 1), .init(node: 2, replicas: 1)],
      [.init(node: 0, replicas: 1)],
    ]
    let solution = try problem.solve(Self.options, Self.context)
    #expect(problem.violations(solution.assignment) == [])
    #expect(solution.isOptimal)
    #expect(solution.evaluation.objective == 500)
    // Where it is broken now, they may stay.
    problem.current[0] = [.init(node: 0, replicas: 3), .init(node: 1, replicas: 1)]
    let broken = try problem.solve(Self.options, Self.context)
    #expect(broken.assignment.placed[0] == [.init(node: 0, replicas: 2)])
    #expect(broken.isOptimal)
  }
}
