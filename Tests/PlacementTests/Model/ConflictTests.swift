import PlacementTestSupport
import Testing

@testable import Placement

/// Two big and two small nodes in two zones.
private func cluster(_ workloads: [(name: String, replicas: Int, cpu: Int64, memory: Int64)]) -> Problem {
  var problem = Problem(
    resources: ["cpu", "memory"],
    nodes: ["big-1", "big-2", "small-1", "small-2"].enumerated().map { .init(name: $1, zone: $0 % 2) },
    zones: ["east", "west"],
    workloads: workloads.map { .init(name: $0.name, replicas: $0.replicas) },
    requests: workloads.flatMap { [$0.cpu, $0.memory] },
    allocatable: [4000, 16, 4000, 16, 1000, 8, 1000, 8]
  )
  problem.partitions = [
    .init(name: "host", domain: [0, 1, 2, 3]), .init(name: "zone", domain: [0, 1, 0, 1]),
  ]
  return problem
}

private func allow(_ nodes: [Int], for w: Int, _ problem: inout Problem) {
  problem.workloads[w].limitRow = problem.limitRows.count
  problem.limitRows.append((0..<4).map { nodes.contains($0) ? .max : 0 })
}

struct Hopeless: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var problem: Problem
  var sentences: [String]

  static let all: [Hopeless] = [
    Hopeless(
      testDescription: "a replica larger than any node",
      problem: cluster([("web", 2, 500, 1), ("db", 1, 4001, 1)]),
      sentences: [
        "db needs 4001 cpu",
        "big-1 has 4000 cpu, big-2 has 4000 cpu, small-1 has 1000 cpu, small-2 has 1000 cpu left",
      ]
    ),
    {
      var problem = cluster([("web", 2, 500, 1), ("db", 2, 600, 1)])
      allow([2], for: 1, &problem)
      return Hopeless(
        testDescription: "too little room where it may run", problem: problem,
        sentences: ["db needs 2 × 600 cpu and may run on small-1 only", "small-1 has 1000 cpu left"]
      )
    }(),
    {
      var problem = cluster([("web", 2, 500, 1), ("db", 1, 600, 1)])
      allow([], for: 1, &problem)
      return Hopeless(
        testDescription: "nowhere to run", problem: problem, sentences: ["db has 1 replica and may run on no node"])
    }(),
    {
      var problem = cluster([("web", 1, 500, 1), ("a", 1, 600, 1), ("b", 1, 300, 5), ("c", 2, 100, 2)])
      allow([3], for: 1, &problem)
      allow([3], for: 2, &problem)
      allow([2, 3], for: 3, &problem)
      problem.reserved[3 * 2] = 200
      return Hopeless(
        testDescription: "two that want the same node", problem: problem,
        sentences: [
          "a needs 600 cpu and may run on small-2 only", "b needs 300 cpu and may run on small-2 only",
          "small-2 has 800 cpu left",
        ]
      )
    }(),
    Hopeless(
      testDescription: "too much in all",
      problem: cluster([("web", 1, 10, 1), ("a", 4, 1000, 8), ("b", 1, 100, 2), ("c", 4, 100, 5)]),
      sentences: [
        "a needs 4 × 8 memory", "c needs 4 × 5 memory",
        "big-1 has 16 memory, big-2 has 16 memory, small-1 has 8 memory, small-2 has 8 memory left",
      ]
    ),
    {
      var problem = cluster([("web", 3, 100, 1), ("db", 1, 600, 1)])
      problem.rules = [
        .atMost(workload: 1, partition: 0, count: 1), .atMost(workload: 0, partition: 1, count: 1),
      ]
      return Hopeless(
        testDescription: "one in each zone, and too few zones", problem: problem,
        sentences: ["web has 3 replicas", "web may have at most 1 in each zone"])
    }(),
    {
      var problem = cluster([("web", 1, 100, 1), ("db", 1, 600, 1), ("log", 1, 1, 1)])
      allow([0], for: 0, &problem)
      problem.rules = [
        .together(workload: 0, others: [1], partition: 1, present: [false, false]),
        .apart(workload: 0, other: 1, partition: 1), .apart(workload: 0, other: 2, partition: 0),
      ]
      return Hopeless(
        testDescription: "together and apart", problem: problem,
        sentences: ["web has 1 replica", "web must share a zone with db", "web and db must not share a zone"])
    }(),
    {
      var problem = cluster([("web", 4, 100, 1), ("db", 1, 600, 1)])
      allow([0, 1], for: 0, &problem)
      problem.rules = [
        .spread(
          workload: 0, members: [0], partition: 0, maxSkew: 1, minDomains: 0, base: [0, 0, 0, 0],
          eligible: [true, true, true, true])
      ]
      return Hopeless(
        testDescription: "spread where some domains stay empty", problem: problem,
        sentences: [
          "web has 4 replicas and may run on big-1 and big-2 only",
          "web must be spread: no host holds over 1 more than the emptiest",
        ])
    }(),
    {
      var problem = cluster([("web", 2, 600, 1), ("db", 1, 600, 1)])
      problem.current = [[.init(node: 2, replicas: 2)], [.init(node: 3, replicas: 1)]]
      problem.weights.maxMoves = 0
      problem.evictedFrom = [0: [2]]
      allow([0, 1], for: 0, &problem)
      return Hopeless(
        testDescription: "a node that evicts what may not move", problem: problem,
        sentences: [
          "web needs 2 × 600 cpu",
          "big-1 has 4000 cpu, big-2 has 4000 cpu, small-1 has 1000 cpu, small-2 has 1000 cpu left",
          "at most 0 replicas may move",
        ])
    }(),
  ]
}

@Suite("Why there is no placement")
struct ConflictTests {
  @Test("It is said with few workloads, resources and rules", arguments: Hopeless.all)
  func sentences(hopeless: Hopeless) throws {
    let conflict = try #require(hopeless.problem.conflict())
    #expect(hopeless.problem.describe(conflict) == hopeless.sentences)
  }

  @Test("Amounts are written as the caller likes")
  func amounts() throws {
    let problem = cluster([("web", 2, 500, 1), ("db", 1, 4001, 1)])
    let conflict = try #require(problem.conflict())
    let sentences = problem.describe(conflict) { amount, k in "\(amount) of \(problem.resources[k])" }
    #expect(sentences.first == "db needs 4001 of cpu")
  }

  @Test("There is a conflict where there is no placement, and none where there is one", arguments: Kind.all)
  func agreesWithExhaustiveSearch(kind: Kind) {
    var impossible = 0
    for seed in 1...6 as ClosedRange<UInt64> {
      var (problem, _) = kind.recipe.make(seed: seed)
      // Less room, so that some problems have no placement any more.
      for i in problem.allocatable.indices { problem.allocatable[i] = problem.allocatable[i] * Int64(10 - seed) / 10 }
      let isPossible = problem.exhaustiveOptimum() != nil
      let conflict = problem.conflict()
      #expect((conflict == nil) == isPossible, "seed \(seed)")
      impossible += isPossible ? 0 : 1
      if let conflict, conflict.rules.isEmpty, !conflict.moves {
        // The workloads of the conflict have no placement by themselves; without any one of them they have.
        #expect(!isPlaceable(problem, conflict.workloads))
        for w in conflict.workloads { #expect(isPlaceable(problem, conflict.workloads.filter { $0 != w })) }
      }
    }
    #expect(impossible > 0)
  }

  private func isPlaceable(_ problem: Problem, _ kept: [Int]) -> Bool {
    var part = problem
    part.rules = []
    part.weights.maxMoves = nil
    part.edges = []
    for w in part.workloads.indices where !kept.contains(w) { part.workloads[w].replicas = 0 }
    return part.exhaustiveOptimum() != nil
  }

  @Test("In a large cluster a workload without room is still found")
  func large() throws {
    var recipe = RandomProblem(workloads: 400, nodes: 100)
    recipe.replicas = 1...3
    var (problem, _) = recipe.make(seed: 3)
    #expect(problem.conflict() == nil)
    problem.requests[7] = 1_000_000
    let conflict = try #require(problem.conflict())
    #expect(conflict == Conflict(workloads: [7], resources: [0]))
    #expect(problem.describe(conflict)[1].hasPrefix("100 nodes have "))
  }

  @Test("It gives up when it is told to, with a conflict that is none the less one")
  func stopped() throws {
    let problem = cluster([("web", 1, 10, 1), ("a", 4, 1000, 8), ("b", 1, 100, 2), ("c", 4, 100, 5)])
    func run(calls limit: Int) -> (calls: Int, conflict: Conflict?) {
      var calls = 0
      let conflict = problem.conflict(shouldStop: {
        calls += 1
        return calls > limit
      })
      return (calls, conflict)
    }
    let full = run(calls: .max)
    #expect(run(calls: 0).conflict == nil)
    let conflict = try #require(run(calls: full.calls / 2).conflict)
    #expect(conflict.workloads.contains(1) && conflict.workloads.contains(3))
  }
}
