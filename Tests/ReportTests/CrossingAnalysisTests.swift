import Placement
import Testing

@testable import Report

@Suite("Why traffic crosses nodes")
struct CrossingAnalysisTests {
  /// Workloads a, b, … with replicas and cpu in thousandths, on nodes of these cpu.
  private func problem(_ workloads: [(replicas: Int, cpu: Int64)], nodes: [Int64], edges: [(Int, Int, Double)])
    -> Problem
  {
    var problem = Problem(
      resources: ["cpu"],
      nodes: nodes.indices.map { .init(name: "node-\($0 + 1)") },
      workloads: workloads.enumerated().map { .init(name: ["a", "b", "c", "d"][$0], replicas: $1.replicas) },
      requests: workloads.map(\.cpu),
      allocatable: nodes
    )
    problem.edges = edges.map { .init(u: $0, v: $1, traffic: $2) }
    problem.partitions = [.init(name: "kubernetes.io/hostname", domain: nodes.indices.map { Int32($0) })]
    return problem
  }

  private func reason(
    _ problem: Problem, _ counts: [[Int]], edge: Int = 0, lowerBound: Double? = nil
  ) -> CrossingReason? {
    let placed = counts.map { SampleReports.placed($0) }
    let report = PlanReport(
      title: "", problem: problem, assignment: Assignment(placed: placed), lowerBound: lowerBound)
    return CrossingAnalysis(report).reason(edge: edge)
  }

  @Test("Local traffic needs no reason")
  func local() {
    #expect(
      reason(problem([(1, 1000), (1, 1000)], nodes: [4000, 4000], edges: [(0, 1, 1)]), [[1, 0], [1, 0]]) == nil)
  }

  @Test("Together they need more than any node has")
  func tooLarge() {
    let problem = problem([(1, 8000), (1, 6000)], nodes: [8000, 8000], edges: [(0, 1, 1)])
    #expect(
      reason(problem, [[1, 0], [0, 1]])
        == .init(kind: .tooLarge, text: "together they need 14 cpu, the roomiest node has 8"))
  }

  @Test("What pods outside the plan use is not there to be had")
  func reserved() {
    var problem = problem([(1, 3000), (1, 3000)], nodes: [8000, 8000], edges: [(0, 1, 1)])
    problem.reserved = [4000, 3000]
    #expect(reason(problem, [[1, 0], [0, 1]])?.text == "together they need 6 cpu, the roomiest node has 5")
  }

  @Test("No one resource is short everywhere, but no node has enough of all")
  func tooLargeInSum() {
    var problem = Problem(
      resources: ["cpu", "memory"], nodes: [.init(name: "n"), .init(name: "m")],
      workloads: [.init(name: "a", replicas: 1), .init(name: "b", replicas: 1)],
      requests: [1000, 1 << 30, 1000, 1 << 30], allocatable: [2000, 1 << 30, 1000, 2 << 30])
    problem.edges = [.init(u: 0, v: 1, traffic: 1)]
    #expect(
      reason(problem, [[1, 0], [0, 1]])
        == .init(kind: .tooLarge, text: "together they need 2 cpu and 2 GiB memory, more than any one node has"))
  }

  @Test("They may not run on the same nodes")
  func disjoint() {
    var problem = problem([(1, 1000), (1, 1000)], nodes: [4000, 4000], edges: [(0, 1, 1)])
    problem.limitRows = [[.max, 0], [0, .max]]
    problem.workloads[1].limitRow = 1
    #expect(reason(problem, [[1, 0], [0, 1]])?.kind == .disjointNodes)
  }

  @Test("Anti-affinity keeps them apart, whichever of the two asked for it")
  func antiAffinity() {
    for (w, other) in [(0, 1), (1, 0)] {
      var problem = problem([(1, 1000), (1, 1000)], nodes: [4000, 4000], edges: [(0, 1, 1)])
      problem.rules = [.apart(workload: w, other: other, partition: 0)]
      #expect(reason(problem, [[1, 0], [0, 1]])?.kind == .antiAffinity)
    }
  }

  @Test("Replica counts without a common divisor do not split, and all do not fit on one node")
  func uneven() {
    let problem = problem([(3, 1000), (2, 1000)], nodes: [4000, 4000], edges: [(0, 1, 1)])
    #expect(
      reason(problem, [[2, 1], [1, 1]])
        == .init(
          kind: .unevenReplicas,
          text: "replicas 3:2 do not split evenly, and all on one node need 5 cpu, the roomiest node has 4"))
  }

  @Test("Replica counts do not split, and a rule forbids all on one node")
  func unevenByRule() {
    var limited = problem([(3, 1000), (2, 1000)], nodes: [9000, 9000, 9000], edges: [(0, 1, 1)])
    limited.rules = [.atMost(workload: 0, partition: 0, count: 1)]
    #expect(
      reason(limited, [[1, 1, 1], [1, 1, 0]])?.text
        == "replicas 3:2 do not split evenly, and a node may run at most 1 of a")
    limited.rules = [
      .spread(
        workload: 0, members: [0], partition: 0, maxSkew: 1, minDomains: 1, base: [0, 0, 0],
        eligible: [true, true, true])
    ]
    #expect(
      reason(limited, [[1, 1, 1], [1, 1, 0]])?.text == "replicas 3:2 do not split evenly, and a must spread over nodes")
  }

  @Test("Only some pairs of replicas fit together on nodes")
  func fewPairs() {
    let problem = problem([(3, 1000), (3, 1000)], nodes: [2000, 2000, 1000, 1000], edges: [(0, 1, 1)])
    #expect(
      reason(problem, [[1, 1, 1, 0], [1, 1, 0, 1]])
        == .init(kind: .fewPairs, text: "nodes have room for 2 of their 3 pairs"))
  }

  @Test("Others fill the node where they would be together")
  func noRoom() {
    let problem = problem([(1, 1000), (1, 2000), (1, 2500), (1, 2500)], nodes: [4000, 5000], edges: [(0, 1, 1)])
    #expect(
      reason(problem, [[1, 0], [0, 1], [1, 0], [0, 1]])
        == .init(kind: .noRoom, text: "no room: a needs 1 cpu, node-2 has 0.5 left"))
  }

  @Test("Heavier traffic to others holds both where they are")
  func heavier() {
    // a and c fill a node, b and d fill another.
    let problem = problem(
      [(1, 1000), (1, 1000), (1, 1000), (1, 1000)], nodes: [4000, 4000],
      edges: [(0, 1, 1024), (0, 2, 5 * 1024), (1, 3, 3 * 1024)])
    #expect(
      reason(problem, [[1, 0], [0, 1], [1, 0], [0, 1]])
        == .init(kind: .heavierTraffic, text: "b stays with d (3 KiB/s)"))
  }

  @Test("Together they would make one node too full for its worth")
  func utilization() {
    var problem = problem([(1, 1000), (1, 1000)], nodes: [4000, 4000], edges: [(0, 1, 1)])
    problem.weights.utilization = 100
    #expect(
      reason(problem, [[1, 0], [0, 1]])
        == .init(kind: .utilization, text: "would raise the peak utilization from 25.0 % to 50.0 %"))
  }

  @Test("To bring them together takes moves that cost more, or more than are allowed")
  func moves() {
    var problem = problem([(1, 1000), (1, 1000)], nodes: [4000, 4000], edges: [(0, 1, 1)])
    problem.current = [[.init(node: 0, replicas: 1)], [.init(node: 1, replicas: 1)]]
    problem.weights.move = 100
    #expect(reason(problem, [[1, 0], [0, 1]]) == .init(kind: .moveCost, text: "not worth 1 more move"))
    problem.weights.maxMoves = 0
    #expect(
      reason(problem, [[1, 0], [0, 1]]) == .init(kind: .moveCost, text: "would take 1 move, 0 are allowed"))
  }

  @Test("Rules of one of them stand against it")
  func rules() {
    var problem = problem([(1, 1000), (1, 1000), (1, 1000), (1, 1000)], nodes: [4000, 4000], edges: [(0, 1, 1)])
    problem.rules = [
      .apart(workload: 0, other: 3, partition: 0),
      .together(workload: 1, others: [3], partition: 0, present: [false, false]),
    ]
    #expect(
      reason(problem, [[1, 0], [0, 1], [1, 0], [0, 1]])
        == .init(kind: .rule, text: "a and d may not share a node"))
  }

  @Test("A search that ended early is told, not covered up")
  func missed() {
    let problem = problem([(1, 1000), (1, 1000)], nodes: [4000, 4000], edges: [(0, 1, 1)])
    #expect(
      reason(problem, [[1, 0], [0, 1]], lowerBound: 0)
        == .init(kind: .missed, text: "moving a would help: the search ended before it tried"))
    #expect(reason(problem, [[1, 0], [0, 1]]) == .init(kind: .missed, text: "moving a would help"))
  }

  @Test("Of two that do not fit, the one that lacks less is named, with how many replicas of it")
  func leastShortage() {
    let problem = problem([(1, 3000), (2, 500), (1, 2900), (1, 800)], nodes: [4000, 4000], edges: [(0, 1, 1)])
    #expect(
      reason(problem, [[1, 0], [0, 2], [0, 1], [1, 0]])
        == .init(kind: .noRoom, text: "no room: b ×2 needs 1 cpu, node-1 has 0.2 left"))
  }
}
