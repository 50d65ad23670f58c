import Placement

/// Tries small changes of a placement and says what stands against them.
struct PlacementTrial {
  let problem: Problem
  let assignment: Assignment
  let evaluation: Evaluation
  private let load: [Int64]
  private let edgesOf: [[Int]]

  init(_ problem: Problem, _ assignment: Assignment, _ evaluation: Evaluation) {
    self.problem = problem
    self.assignment = assignment
    self.evaluation = evaluation
    load = problem.load(assignment)
    var edgesOf: [[Int]] = Array(repeating: [], count: problem.workloads.count)
    for (e, edge) in problem.edges.enumerated() {
      edgesOf[edge.u].append(e)
      edgesOf[edge.v].append(e)
    }
    self.edgesOf = edgesOf
  }

  private struct Outcome {
    var reason: CrossingReason
    /// What the change would cost; nil where it cannot be done.
    var cost: Double?
  }

  /// Moves each of an edge's workloads to the other and answers what stands against the better of the two.
  func reason(edge e: Int, _ names: WorkloadLabels, _ units: [ResourceUnit]) -> CrossingReason {
    let edge = problem.edges[e]
    let outcomes = [
      outcome(moving: edge.u, to: edge.v, names, units), outcome(moving: edge.v, to: edge.u, names, units),
    ]
    let possible = outcomes.filter { $0.cost != nil }
    return
      (possible.min { ($0.cost ?? 0) < ($1.cost ?? 0) } ?? outcomes.first { $0.reason.kind == .noRoom } ?? outcomes[0])
      .reason
  }

  private func outcome(moving w: Int, to other: Int, _ names: WorkloadLabels, _ units: [ResourceUnit]) -> Outcome {
    let target = spreadLike(other, replicas: problem.workloads[w].replicas)
    guard target != assignment.placed[w] else {
      return Outcome(reason: CrossingReason(kind: .noGain, text: "as close as their replica counts allow"), cost: nil)
    }
    if let obstacle = obstacle(moving: w, to: target, names, units) { return Outcome(reason: obstacle, cost: nil) }
    var trial = assignment
    trial.placed[w] = target
    if let rule = brokenRule(moving: w, trial) {
      return Outcome(reason: CrossingReason(kind: .rule, text: text(of: rule, names)), cost: nil)
    }
    return price(moving: w, trial, names)
  }

  /// As many replicas on each node as another workload has there, in proportion; the largest remainders round up.
  private func spreadLike(_ other: Int, replicas: Int) -> [Problem.Placed] {
    let places = assignment.placed[other]
    let total = places.reduce(0) { $0 + $1.replicas }
    guard total > 0 else { return [] }
    var counts = places.map { $0.replicas * replicas / total }
    let byRemainder = places.indices.sorted { a, b in
      let (ra, rb) = (places[a].replicas * replicas % total, places[b].replicas * replicas % total)
      return ra == rb ? a < b : ra > rb
    }
    for i in byRemainder.prefix(replicas - counts.reduce(0, +)) { counts[i] += 1 }
    return zip(places, counts).filter { $1 > 0 }.map { Problem.Placed(node: $0.node, replicas: $1) }
  }

  private func replicas(_ w: Int, on n: Int) -> Int {
    assignment.placed[w].first { $0.node == n }?.replicas ?? 0
  }

  private func obstacle(
    moving w: Int, to target: [Problem.Placed], _ names: WorkloadLabels, _ units: [ResourceUnit]
  ) -> CrossingReason? {
    for place in target where place.replicas > problem.limit(workload: w, node: place.node) {
      return CrossingReason(kind: .rule, text: "\(names[w]) may not run on \(problem.nodes[place.node].name.printable)")
    }
    for place in target {
      let more = place.replicas - replicas(w, on: place.node)
      guard more > 0 else { continue }
      for (k, resource) in problem.resources.enumerated() {
        let i = place.node * problem.resources.count + k
        let need = Int64(more) * problem.requests[w * problem.resources.count + k]
        let left = problem.allocatable[i] - load[i]
        guard need > 0, need > left else { continue }
        return CrossingReason(
          kind: .noRoom,
          text: "no room: \(names[w]) needs \(units[k].describe(need, of: resource)), "
            + "\(problem.nodes[place.node].name.printable) has \(units[k].describe(max(0, left))) left"
        )
      }
    }
    return nil
  }

  /// A rule about a workload that its move would break and that holds now.
  private func brokenRule(moving w: Int, _ trial: Assignment) -> Problem.Rule? {
    var part = problem
    part.rules = problem.rules.filter { $0.mentions(w) }
    guard !part.rules.isEmpty else { return nil }
    let known = Set(part.violations(assignment))
    for case .rule(let index, let domain) in part.violations(trial)
    where !known.contains(.rule(index: index, domain: domain)) {
      return part.rules[index]
    }
    return nil
  }

  private func text(of rule: Problem.Rule, _ names: WorkloadLabels) -> String {
    switch rule {
    case .atMost(let w, let partition, let count):
      "at most \(count) of \(names[w]) may share a \(domainWord(partition))"
    case .apart(let w, let other, let partition):
      "\(names[w]) and \(names[other]) may not share a \(domainWord(partition))"
    case .together(let w, _, let partition, _): "\(names[w]) must share a \(domainWord(partition)) with others"
    case .spread(let w, _, let partition, _, _, _, _):
      "\(names[w]) must be spread evenly, by \(domainWord(partition))"
    }
  }

  private func domainWord(_ partition: Int) -> String {
    switch problem.partitions[partition].name {
    case "kubernetes.io/hostname": "node"
    case "topology.kubernetes.io/zone": "zone"
    case "topology.kubernetes.io/region": "region"
    case let name: name.printable
    }
  }

  /// What a possible change costs, and which term of the objective says no.
  private func price(moving w: Int, _ trial: Assignment, _ names: WorkloadLabels) -> Outcome {
    // Only the workload's own edges can tell a difference.
    var part = problem
    part.edges = edgesOf[w].map { problem.edges[$0] }
    let (before, after) = (part.evaluate(assignment), part.evaluate(trial))
    let cost = after.objective - before.objective
    let weights = problem.weights
    let peak = weights.utilization * (after.peakUtilization - before.peakUtilization)
    let moves = weights.move * Double(after.moves - before.moves)
    let traffic = cost - peak - moves
    if let most = weights.maxMoves, after.moves > most {
      return Outcome(
        reason: CrossingReason(kind: .moveCost, text: "would take \(after.moves) moves, \(most) are allowed"),
        cost: cost)
    }
    let noise = 1e-9 * max(1, abs(evaluation.objective))
    let reason: CrossingReason
    if cost < -noise {
      reason = CrossingReason(kind: .missed, text: "moving \(names[w]) would help: the search ended before it tried")
    } else if traffic >= peak, traffic >= moves, traffic > noise {
      reason = CrossingReason(kind: .heavierTraffic, text: heavier(w, part, before, after, names))
    } else if peak >= moves, peak > noise {
      reason = CrossingReason(
        kind: .utilization,
        text: "would raise the peak utilization from \(Human.percent(before.peakUtilization)) "
          + "to \(Human.percent(after.peakUtilization))"
      )
    } else if moves > noise {
      reason = CrossingReason(
        kind: .moveCost, text: "not worth \(Human.count(after.moves - before.moves, "more move"))")
    } else {
      reason = CrossingReason(kind: .noGain, text: "moving \(names[w]) saves nothing")
    }
    return Outcome(reason: reason, cost: cost)
  }

  /// The neighbour to which a workload would lose the most traffic.
  private func heavier(
    _ w: Int, _ part: Problem, _ before: Evaluation, _ after: Evaluation, _ names: WorkloadLabels
  ) -> String {
    let loss = part.edges.indices.map { e in
      part.edges[e].traffic
        * (part.weights.leavingNode * (before.localShareOfEdge[e] - after.localShareOfEdge[e])
          + part.weights.leavingZone * (before.zoneShareOfEdge[e] - after.zoneShareOfEdge[e]))
    }
    guard let e = loss.indices.max(by: { loss[$0] < loss[$1] }), loss[e] > 0 else { return "cheaper elsewhere" }
    let edge = part.edges[e]
    return "\(names[w]) stays with \(names[edge.u == w ? edge.v : edge.u]) "
      + "(\(Human.traffic(edge.traffic, unit: part.trafficUnit)))"
  }
}

extension Problem.Rule {
  /// Whether the rule speaks of a workload.
  fileprivate func mentions(_ w: Int) -> Bool {
    switch self {
    case .atMost(let workload, _, _): workload == w
    case .apart(let workload, let other, _): workload == w || other == w
    case .together(let workload, let others, _, _): workload == w || others.contains(w)
    case .spread(let workload, let members, _, _, _, _, _): workload == w || members.contains(w)
    }
  }
}
