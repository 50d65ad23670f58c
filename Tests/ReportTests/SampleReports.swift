import Model
import Placement
import PlacementTestSupport

@testable import Report

/// Reports to render in tests.
enum SampleReports {
  static let mebi: Int64 = 1 << 20

  /// Names that try to be something else.
  static let hostileNames = [
    "<script>fail()</script>", "a&b", "\"quo'te", "隣の隣", "\u{202E}lian", "🚀🚀🚀", "tab\there", "\u{1B}[2Jx", "\u{7}bell",
    "line\nend", "", "<img src=x onerror=fail()>",
  ]

  /// An online shop of twelve workloads on three nodes in two zones, spread evenly before, packed after.
  static func shop() -> PlanReport {
    let workloads: [(name: String, replicas: Int, cpu: Int64, memory: Int64, before: [Int], after: [Int])] = [
      ("frontend", 3, 500, 256, [1, 1, 1], [3, 0, 0]),
      ("cart", 2, 300, 128, [1, 1, 0], [2, 0, 0]),
      ("cart-redis", 1, 200, 512, [0, 0, 1], [1, 0, 0]),
      ("catalog", 2, 300, 256, [0, 1, 1], [2, 0, 0]),
      ("currency", 2, 200, 64, [1, 0, 1], [0, 2, 0]),
      ("checkout", 2, 400, 128, [1, 1, 0], [0, 2, 0]),
      ("payment", 1, 200, 64, [0, 1, 0], [0, 1, 0]),
      ("shipping", 1, 200, 64, [1, 0, 0], [0, 1, 0]),
      ("email", 1, 100, 64, [0, 0, 1], [0, 1, 0]),
      ("recommendation", 2, 600, 512, [0, 1, 1], [0, 0, 2]),
      ("ads", 1, 300, 256, [0, 0, 1], [0, 0, 1]),
      ("load-generator", 1, 300, 256, [1, 0, 0], [0, 0, 1]),
    ]
    var problem = Problem(
      resources: ["cpu", "memory"],
      nodes: [.init(name: "node-1", zone: 0), .init(name: "node-2", zone: 0), .init(name: "node-3", zone: 1)],
      zones: ["tokyo-a", "tokyo-b"],
      workloads: workloads.map { .init(name: "shop/\($0.name)", replicas: $0.replicas) },
      requests: workloads.flatMap { [$0.cpu, $0.memory * mebi] },
      allocatable: (0..<3).flatMap { _ in [4000, 4096 * mebi] }
    )
    problem.reserved = (0..<3).flatMap { _ in [300, 400 * mebi] }
    problem.edges = [
      .init(u: 0, v: 1, traffic: 180_000), .init(u: 1, v: 2, traffic: 260_000), .init(u: 0, v: 3, traffic: 420_000),
      .init(u: 0, v: 4, traffic: 90_000), .init(u: 0, v: 5, traffic: 60_000), .init(u: 5, v: 6, traffic: 22_000),
      .init(u: 5, v: 7, traffic: 31_000), .init(u: 0, v: 7, traffic: 18_000), .init(u: 5, v: 8, traffic: 26_000),
      .init(u: 5, v: 4, traffic: 74_000), .init(u: 5, v: 1, traffic: 40_000), .init(u: 5, v: 3, traffic: 30_000),
      .init(u: 0, v: 9, traffic: 55_000), .init(u: 9, v: 3, traffic: 48_000), .init(u: 0, v: 10, traffic: 35_000),
      .init(u: 11, v: 0, traffic: 150_000),
    ]
    problem.weights = .init(utilization: 200_000, move: 500)
    problem.current = workloads.map { workload in placed(workload.before) }
    let after = Assignment(placed: workloads.map { placed($0.after) })
    let objective = problem.evaluate(after).objective
    return PlanReport(
      title: "online-shop",
      problem: problem,
      assignment: after,
      lowerBound: objective * 0.973,
      isOptimal: false,
      progress: progress(
        from: problem.evaluate(Assignment(placed: problem.current.map { $0 ?? [] })).objective, to: objective),
      warnings: [
        "shop/email: preferredDuringScheduling… is not supported and was left out (spec.affinity.podAffinity)"
      ],
      outside: [
        .init(name: "PassthroughCluster", traffic: 12_000, share: 0.008),
        .init(name: "unknown", traffic: 150_000, share: 0.09),
      ],
      details: [.init("seed", "1"), .init("time", "9.8 s"), .init("profile", "balanced")]
    )
  }

  /// The shop with a curve of four points: the first moves in the plan's order, as far as they keep capacities.
  static func shopWithCurve() -> PlanReport {
    var report = shop()
    let problem = report.problem
    var assignment = Assignment(placed: problem.current.map { $0 ?? [] })
    var points = [MoveCurve.Point(limit: 0, assignment: assignment, evaluation: problem.evaluate(assignment))]
    for (limit, workloads) in [(1, [2]), (5, [2, 5, 6, 8]), (problem.moves(report.after), Array(0..<12))] {
      for w in workloads { assignment.placed[w] = report.after.placed[w] }
      points.append(.init(limit: limit, assignment: assignment, evaluation: problem.evaluate(assignment)))
    }
    report.moveCurve = MoveCurve(points: points)
    return report
  }

  /// The shop with matrices for day and night.
  static func shopWithMatrices(_ combination: Problem.Combination, names: [String] = ["day", "night"]) -> PlanReport {
    var problem = shop().problem
    problem.combination = combination
    problem.matrices = names.enumerated().map { .init(name: $1, weight: Double(2 - $0)) }
    for e in problem.edges.indices {
      problem.edges[e].trafficByMatrix = [problem.edges[e].traffic, e % 3 == 0 ? 9000 * Double(e + 1) : 0]
    }
    problem.combineTraffic()
    return PlanReport(title: "online-shop", problem: problem, assignment: shop().after, lowerBound: 1)
  }

  static func placed(_ counts: [Int]) -> [Problem.Placed] {
    counts.enumerated().filter { $0.element > 0 }.map { .init(node: $0.offset, replicas: $0.element) }
  }

  static func progress(from start: Double, to end: Double) -> [SolverProgress] {
    (0...40).map { i in
      let t = Double(i) / 40
      let closeness = 1 - (1 - t) * (1 - t) * (1 - t)
      return SolverProgress(
        phase: i < 2 ? "construction" : i < 30 ? "local search" : "bound",
        elapsed: .milliseconds(Int(10_000 * t * t)),
        objective: i == 0 ? nil : start + (end - start) * closeness,
        localizedShare: i == 0 ? nil : 0.3 + 0.5 * closeness,
        lowerBound: end * (0.1 + 0.873 * t.squareRoot())
      )
    }
  }

  /// A random cluster: workloads packed at random before, the same a little better after.
  static func large(workloads: Int, nodes: Int, zones: Int = 3, seed: UInt64 = 7) -> PlanReport {
    var random = SeededGenerator(seed: seed)
    let replicas = (0..<workloads).map { _ in Int.random(in: 1...12, using: &random) }
    let cpu = (0..<workloads).map { _ in Int64.random(in: 1...40, using: &random) * 50 }
    let total = zip(replicas, cpu).reduce(Int64(0)) { $0 + Int64($1.0) * $1.1 }
    var problem = Problem(
      resources: ["cpu", "memory"],
      nodes: (0..<nodes).map { .init(name: "gke-prod-default-pool-7d9f\($0 + 1000)", zone: $0 * zones / nodes) },
      zones: (0..<zones).map { "asia-northeast1-" + ["a", "b", "c", "d", "e", "f"][$0 % 6] },
      workloads: (0..<workloads).map { .init(name: "team-\($0 % 7)/service-\($0)", replicas: replicas[$0]) },
      requests: cpu.flatMap { [$0, $0 * mebi * 2] },
      allocatable: (0..<nodes).flatMap { _ in [total * 10 / 8 / Int64(nodes), total * mebi * 3 / Int64(nodes)] }
    )
    var seen: Set<[Int]> = []
    for _ in 0..<workloads * 4 {
      let u = Int.random(in: 0..<workloads, using: &random)
      // Mostly with others nearby, as services of one team have it.
      let isNear = Int.random(in: 0..<10, using: &random) < 9
      let v = isNear ? max(0, u - Int.random(in: 1...4, using: &random)) : Int.random(in: 0...u, using: &random)
      guard u != v, seen.insert([u, v]).inserted else { continue }
      let x = Double.random(in: 0.001...1, using: &random)
      problem.edges.append(.init(u: u, v: v, traffic: 2000 / (x * x)))
    }
    var load = problem.reserved
    func place(_ w: Int, near home: Int) -> [Problem.Placed] {
      var counts: [Int: Int] = [:]
      for _ in 0..<replicas[w] {
        for step in 0..<nodes {
          let n = (home + step) % nodes
          guard load[n * 2] + cpu[w] <= problem.allocatable[n * 2] else { continue }
          load[n * 2] += cpu[w]
          counts[n, default: 0] += 1
          break
        }
      }
      return counts.sorted { $0.key < $1.key }.map { .init(node: $0.key, replicas: $0.value) }
    }
    problem.current = (0..<workloads).map { place($0, near: Int.random(in: 0..<nodes, using: &random)) }
    load = problem.reserved
    let after = Assignment(placed: (0..<workloads).map { place($0, near: $0 * nodes / workloads) })
    let objective = problem.evaluate(after).objective
    return PlanReport(
      title: "large",
      problem: problem,
      assignment: after,
      lowerBound: objective * 0.8,
      progress: progress(from: objective * 2, to: objective)
    )
  }
}
