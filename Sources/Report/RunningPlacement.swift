import Placement

/// What runs before a plan, with its figures.
///
/// It may run other numbers of replicas than are wanted, or only some of the workloads. Shares then are of what runs,
/// and the totals speak only of the edges whose two ends run.
struct RunningPlacement: Sendable {
  let assignment: Assignment
  /// Replicas that run of each workload.
  let replicas: [Int]
  /// Share of each edge that stays on its node; nil where an end does not run.
  let localShareOfEdge: [Double?]
  /// Share of each edge that stays in its zone; nil where an end does not run.
  let zoneShareOfEdge: [Double?]
  /// Figures over the edges whose two ends run.
  let evaluation: Evaluation
  /// Share of the traffic that the figures speak of.
  let coveredShare: Double

  /// Answers nil where no replica runs.
  init?(of problem: Problem) {
    let assignment = Assignment(placed: problem.current.map { Self.sorted($0 ?? []) })
    let replicas = assignment.placed.map { $0.reduce(0) { $0 + $1.replicas } }
    guard replicas.contains(where: { $0 > 0 }) else { return nil }
    var running = problem
    for w in replicas.indices { running.workloads[w].replicas = replicas[w] }
    let covered = problem.edges.indices.filter { e in
      replicas[problem.edges[e].u] > 0 && replicas[problem.edges[e].v] > 0
    }
    running.edges = covered.map { problem.edges[$0] }
    let coveredTraffic = running.edges.reduce(0) { $0 + $1.traffic }
    running.combineTraffic()
    let evaluation = running.evaluate(assignment)
    var local: [Double?] = Array(repeating: nil, count: problem.edges.count)
    var zone = local
    for (i, e) in covered.enumerated() {
      local[e] = evaluation.localShareOfEdge[i]
      zone[e] = evaluation.zoneShareOfEdge[i]
    }
    let total = problem.edges.reduce(0) { $0 + $1.traffic }
    self.assignment = assignment
    self.replicas = replicas
    self.localShareOfEdge = local
    self.zoneShareOfEdge = zone
    self.evaluation = evaluation
    self.coveredShare = total > 0 ? coveredTraffic / total : 1
  }

  /// The places by node, each node once.
  private static func sorted(_ places: [Problem.Placed]) -> [Problem.Placed] {
    var replicas: [Int: Int] = [:]
    for place in places where place.replicas > 0 { replicas[place.node, default: 0] += place.replicas }
    return replicas.sorted { $0.key < $1.key }.map { Problem.Placed(node: $0.key, replicas: $0.value) }
  }
}
