import Placement

/// Traffic of an edge between the replicas on one node and those on another, or among those on one node.
struct TrafficFlow: Sendable {
  /// Index of the edge in the problem.
  var edge: Int
  /// Node of the replicas of the edge's workload `u`.
  var source: Int
  /// Node of the replicas of the edge's workload `v`.
  var destination: Int
  /// Traffic per second.
  var traffic: Double

  /// Whether it stays on its node.
  var isLocal: Bool { source == destination }
}

/// How the traffic of a placement flows between nodes, as the plan assumes it: as much as can stays on its node, the
/// rest goes from where one workload has replicas left over to where the other has, in proportion.
struct TrafficFlows: Sendable {
  /// The flows, the most traffic first.
  private(set) var flows: [TrafficFlow] = []
  /// Traffic per second of each workload on each of its nodes that stays there: `local[w][i]` for the `i`-th place.
  private(set) var local: [[Double]]
  /// Traffic per second of each workload on each of its nodes.
  private(set) var total: [[Double]]

  /// - Parameter limit: flows of lighter edges are left out once there are so many, to bound the work.
  init(_ problem: Problem, _ assignment: Assignment, limit: Int = 400_000) {
    let replicas = assignment.placed.map { $0.reduce(0) { $0 + $1.replicas } }
    local = assignment.placed.map { Array(repeating: 0, count: $0.count) }
    total = local
    let heaviestFirst = problem.edges.indices.sorted { problem.edges[$0].traffic > problem.edges[$1].traffic }
    for e in heaviestFirst {
      let edge = problem.edges[e]
      guard replicas[edge.u] > 0, replicas[edge.v] > 0 else { continue }
      var left = assignment.placed[edge.u].map { Double($0.replicas) / Double(replicas[edge.u]) }
      var right = assignment.placed[edge.v].map { Double($0.replicas) / Double(replicas[edge.v]) }
      for (i, share) in left.enumerated() { total[edge.u][i] += edge.traffic * share }
      for (j, share) in right.enumerated() { total[edge.v][j] += edge.traffic * share }
      stay(e, edge, &left, &right, assignment)
      if flows.count < limit { cross(e, edge, left, right, assignment) }
    }
    flows.sort { ($1.traffic, $0.edge) < ($0.traffic, $1.edge) }
  }

  private mutating func stay(
    _ e: Int, _ edge: Problem.Edge, _ left: inout [Double], _ right: inout [Double], _ assignment: Assignment
  ) {
    let (us, vs) = (assignment.placed[edge.u], assignment.placed[edge.v])
    var j = 0
    for i in us.indices {
      while j < vs.count, vs[j].node < us[i].node { j += 1 }
      guard j < vs.count, vs[j].node == us[i].node else { continue }
      let share = min(left[i], right[j])
      left[i] -= share
      right[j] -= share
      local[edge.u][i] += edge.traffic * share
      local[edge.v][j] += edge.traffic * share
      flows.append(
        TrafficFlow(edge: e, source: us[i].node, destination: us[i].node, traffic: edge.traffic * share))
    }
  }

  private mutating func cross(
    _ e: Int, _ edge: Problem.Edge, _ left: [Double], _ right: [Double], _ assignment: Assignment
  ) {
    let remaining = right.reduce(0, +)
    guard remaining > 1e-9 else { return }
    for (i, a) in left.enumerated() where a > 1e-9 {
      for (j, b) in right.enumerated() where b > 1e-9 {
        flows.append(
          TrafficFlow(
            edge: e,
            source: assignment.placed[edge.u][i].node,
            destination: assignment.placed[edge.v][j].node,
            traffic: edge.traffic * a * b / remaining
          ))
      }
    }
  }
}
