import Placement

/// What a report says of one traffic edge.
struct EdgeFigures: Sendable {
  /// Index of the edge in the problem.
  var edge: Int
  /// Traffic per second in the problem's unit.
  var traffic: Double
  /// Share that stays on its node before; nil where an end does not run yet.
  var localBefore: Double?
  /// Share that stays on its node.
  var local: Double
  /// Share that stays in its zone.
  var zone: Double
  /// What the edge adds to the objective.
  var cost: Double
  /// Traffic per second that leaves its node.
  var crossing: Double { traffic * (1 - local) }
  /// Whether any of it leaves its node, but for rounding.
  var crosses: Bool { local < 1 - 1e-9 }
}

extension PlanReport {
  /// The figures of all edges, the most traffic between nodes first, then the most traffic.
  func edgeFigures() -> [EdgeFigures] {
    let weights = problem.weights
    return problem.edges.indices.map { e in
      let (local, zone) = (evaluation.localShareOfEdge[e], evaluation.zoneShareOfEdge[e])
      let traffic = problem.edges[e].traffic
      return EdgeFigures(
        edge: e,
        traffic: traffic,
        localBefore: before?.localShareOfEdge[e],
        local: local,
        zone: zone,
        cost: traffic * (weights.leavingNode * (1 - local) + weights.leavingZone * (1 - zone))
      )
    }.sorted { a, b in
      (b.crossing, b.traffic, a.edge) < (a.crossing, a.traffic, b.edge)
    }
  }
}
