import Placement
import Testing

@Suite("What a placement breaks")
struct ViolationTests {
  /// Four nodes of 10; nodes 0 and 1 in zone 0, node 2 in zone 1, node 3 in none. Workloads a ×3 of 2, b ×2 of 3.
  static func problem(_ rules: [Problem.Rule] = []) -> Problem {
    var problem = Problem(
      resources: ["cpu"],
      nodes: ["n0", "n1", "n2", "n3"].map { Problem.Node(name: $0) },
      workloads: [.init(name: "a", replicas: 3), .init(name: "b", replicas: 2)],
      requests: [2, 3],
      allocatable: [10, 10, 10, 10]
    )
    problem.partitions = [.init(name: "zone", domain: [0, 0, 1, -1])]
    problem.rules = rules
    return problem
  }

  static func assignment(_ counts: [[Int]]) -> Assignment {
    Assignment(
      placed: counts.map { row in
        row.enumerated().filter { $0.element > 0 }.map { Problem.Placed(node: $0.offset, replicas: $0.element) }
      }
    )
  }

  @Test("is nothing where all holds")
  func none() {
    #expect(Self.problem().violations(Self.assignment([[1, 1, 1, 0], [2, 0, 0, 0]])) == [])
  }

  @Test("names missing and surplus replicas")
  func replicas() {
    let violations = Self.problem().violations(Self.assignment([[1, 0, 0, 0], [2, 1, 0, 0]]))
    #expect(
      violations == [.replicas(workload: 0, placed: 1, wanted: 3), .replicas(workload: 1, placed: 3, wanted: 2)]
    )
  }

  @Test("names overfull nodes, but not those that pods outside the plan alone overfill")
  func capacity() {
    var problem = Self.problem()
    problem.reserved = [3, 11, 0, 0]
    let violations = problem.violations(Self.assignment([[1, 0, 2, 0], [2, 0, 0, 0]]))
    #expect(violations == [.capacity(node: 0, resource: 0, load: 11, allocatable: 10)])
    #expect(violations.map { problem.describe($0) } == ["n0: 11 cpu requested of 10 cpu"])
  }

  @Test("names nodes where a workload may not run")
  func limit() {
    var problem = Self.problem()
    problem.limitRows = [[0, 1, .max, .max]]
    let violations = problem.violations(Self.assignment([[1, 2, 0, 0], [0, 0, 1, 1]]))
    #expect(
      violations.map { problem.describe($0) } == ["a may not run on n0", "a: 2 replicas on n1, which may hold 1"]
    )
  }

  @Test(
    "names rules that do not hold, each from its definition",
    arguments: [
      (.atMost(workload: 0, partition: 0, count: 1), [[1, 1, 1, 0], [0, 0, 0, 2]], [0]),
      (.atMost(workload: 0, partition: 0, count: 1), [[1, 0, 0, 2], [0, 0, 0, 2]], []),
      (.apart(workload: 0, other: 1, partition: 0), [[1, 0, 2, 0], [0, 1, 0, 1]], [0]),
      (.apart(workload: 0, other: 1, partition: 0), [[1, 0, 0, 2], [0, 0, 0, 2]], []),
      (together(false), [[1, 0, 1, 1], [2, 0, 0, 0]], [1, nil]),
      (together(true), [[1, 0, 2, 0], [0, 0, 0, 2]], [0]),
      (spread(maxSkew: 1), [[1, 1, 1, 0], [0, 0, 0, 2]], []),
      (spread(maxSkew: 1), [[2, 1, 0, 0], [0, 0, 0, 2]], [0]),
      (spread(maxSkew: 1, base: [0, 3]), [[2, 0, 0, 1], [0, 0, 0, 2]], [nil]),
      (spread(maxSkew: 1, base: [0, 3]), [[2, 0, 1, 0], [0, 0, 0, 2]], [1]),
      (spread(maxSkew: 1, members: [0, 1]), [[1, 1, 1, 0], [1, 0, 1, 0]], []),
      (spread(maxSkew: 1, members: [0, 1]), [[1, 1, 1, 0], [2, 0, 0, 0]], [0]),
      (spread(maxSkew: 1, minDomains: 3), [[1, 1, 1, 0], [0, 0, 0, 2]], [0]),
      (spread(maxSkew: 1, eligible: [true, false]), [[3, 0, 0, 0], [0, 0, 0, 2]], []),
    ] as [(Problem.Rule, [[Int]], [Int?])]
  )
  func rule(rule: Problem.Rule, counts: [[Int]], domains: [Int?]) {
    let problem = Self.problem([rule])
    let violations = problem.violations(Self.assignment(counts))
    #expect(violations == domains.map { .rule(index: 0, domain: $0) })
    #expect(violations.allSatisfy { !problem.describe($0).isEmpty })
  }

  static func together(_ presentInSecond: Bool) -> Problem.Rule {
    .together(workload: 0, others: [1], partition: 0, present: [false, presentInSecond])
  }

  static func spread(
    maxSkew: Int, members: [Int] = [0], minDomains: Int = 1, base: [Int] = [0, 0], eligible: [Bool] = [true, true]
  ) -> Problem.Rule {
    .spread(
      workload: 0,
      members: members,
      partition: 0,
      maxSkew: maxSkew,
      minDomains: minDomains,
      base: base,
      eligible: eligible
    )
  }
}
