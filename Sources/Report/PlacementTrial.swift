import Placement

/// Tries small changes of a placement and says what stands against them.
struct PlacementTrial {
  let problem: Problem
  let assignment: Assignment
  let evaluation: Evaluation
  /// Whether the placement comes from a search, rather than from the world.
  let wasSearched: Bool
  private let load: [Int64]
  private let edgesOf: [[Int]]
  private let rulesOf: [Int: [Problem.Rule]]
  /// The utilization of each node's fullest resource.
  private let utilization: [Double]
  private let fullestFirst: [Int]

  init(_ report: PlanReport) {
    let problem = report.problem
    self.problem = problem
    assignment = report.after
    evaluation = report.evaluation
    wasSearched = report.lowerBound != nil
    load = problem.load(assignment)
    var edgesOf: [[Int]] = Array(repeating: [], count: problem.workloads.count)
    for (e, edge) in problem.edges.enumerated() {
      edgesOf[edge.u].append(e)
      edgesOf[edge.v].append(e)
    }
    self.edgesOf = edgesOf
    var rulesOf: [Int: [Problem.Rule]] = [:]
    for rule in problem.rules {
      for w in rule.workloads { rulesOf[w, default: []].append(rule) }
    }
    self.rulesOf = rulesOf
    let resources = problem.resources.count
    let utilization = problem.nodes.indices.map { [load] n in
      (n * resources..<(n + 1) * resources).reduce(0.0) { fullest, i in
        problem.allocatable[i] > 0 ? max(fullest, Double(load[i]) / Double(problem.allocatable[i])) : fullest
      }
    }
    self.utilization = utilization
    fullestFirst = problem.nodes.indices.sorted { utilization[$0] > utilization[$1] }
  }

  private struct Outcome {
    var reason: CrossingReason
    /// What the change would cost; nil where it cannot be done.
    var cost: Double?
    /// What is missing for it, as a share of a node.
    var shortage = Double.infinity
  }

  /// Moves each of an edge's workloads to the other and answers what stands against the one that comes closest.
  func reason(edge e: Int, _ names: WorkloadLabels, _ units: [ResourceUnit]) -> CrossingReason {
    let edge = problem.edges[e]
    let one = outcome(moving: edge.u, to: edge.v, names, units)
    let other = outcome(moving: edge.v, to: edge.u, names, units)
    let isOneCloser = (one.cost ?? .infinity, one.shortage) <= (other.cost ?? .infinity, other.shortage)
    return isOneCloser ? one.reason : other.reason
  }

  private func outcome(moving w: Int, to other: Int, _ names: WorkloadLabels, _ units: [ResourceUnit]) -> Outcome {
    let target = spreadLike(other, replicas: problem.workloads[w].replicas)
    guard target != assignment.placed[w] else {
      return Outcome(reason: CrossingReason(kind: .noGain, text: "as close as their replica counts allow"))
    }
    if let obstacle = obstacle(moving: w, to: target, names, units) { return obstacle }
    var trial = assignment
    trial.placed[w] = target
    if let rule = brokenRule(moving: w, trial) {
      return Outcome(reason: CrossingReason(kind: .rule, text: text(of: rule, names)))
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

  /// A node that may not, or cannot, take what the trial puts there.
  private func obstacle(
    moving w: Int, to target: [Problem.Placed], _ names: WorkloadLabels, _ units: [ResourceUnit]
  ) -> Outcome? {
    for place in target where place.replicas > problem.limit(workload: w, node: place.node) {
      let node = problem.nodes[place.node].name.printable
      return Outcome(reason: CrossingReason(kind: .rule, text: "\(names[w]) may not run on \(node)"))
    }
    for place in target {
      let more = place.replicas - replicas(w, on: place.node)
      guard more > 0 else { continue }
      for (k, resource) in problem.resources.enumerated() {
        let i = place.node * problem.resources.count + k
        let need = Int64(more) * problem.requests[w * problem.resources.count + k]
        let left = problem.allocatable[i] - load[i]
        guard need > 0, need > left else { continue }
        let who = names[w] + (more == 1 ? "" : " ×\(more)")
        let text =
          "no room: \(who) needs \(units[k].describe(need, of: resource)), "
          + "\(problem.nodes[place.node].name.printable) has \(units[k].describe(max(0, left))) left"
        return Outcome(
          reason: CrossingReason(kind: .noRoom, text: text),
          shortage: Double(need - left) / Double(max(1, problem.allocatable[i]))
        )
      }
    }
    return nil
  }

  /// A rule about a workload that its move would break and that holds now.
  private func brokenRule(moving w: Int, _ trial: Assignment) -> Problem.Rule? {
    guard let rules = rulesOf[w] else { return nil }
    var part = problem
    part.rules = rules
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
    case .together(let w, _, _, let partition, _, _): "\(names[w]) must share a \(domainWord(partition)) with others"
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
    let part = Neighbourhood(of: w, problem, edgesOf[w])
    let (before, after) = (part.evaluate(assignment), part.evaluate(trial))
    let weights = problem.weights
    let peakAfter = peak(moving: w, to: trial.placed[w])
    let peak = weights.utilization * (peakAfter - evaluation.peakUtilization)
    let moves = weights.move * Double(after.moves - before.moves)
    let traffic = worstChange(before, after) ?? after.objective - before.objective - moves
    let cost = traffic + peak + moves
    let allMoves = evaluation.moves + after.moves - before.moves
    if let most = weights.maxMoves, allMoves > most {
      let text = "would take \(Human.count(allMoves, "move")), \(Human.grouped(most)) are allowed"
      return Outcome(reason: CrossingReason(kind: .moveCost, text: text), cost: cost)
    }
    // What solvers call the same.
    let noise = 1e-6 * abs(evaluation.objective)
    let reason: CrossingReason
    if cost < -noise {
      let text = "moving \(names[w]) would help" + (wasSearched ? ": the search ended before it tried" : "")
      reason = CrossingReason(kind: .missed, text: text)
    } else if traffic >= peak, traffic >= moves, traffic > noise {
      reason = CrossingReason(kind: .heavierTraffic, text: heavier(part, before, after, names))
    } else if peak >= moves, peak > noise {
      let (was, now) = (Human.percent(evaluation.peakUtilization), Human.percent(peakAfter))
      reason = CrossingReason(kind: .utilization, text: "would raise the peak utilization from \(was) to \(now)")
    } else if moves > noise {
      let more = Human.count(after.moves - before.moves, "more move")
      reason = CrossingReason(kind: .moveCost, text: "not worth \(more)")
    } else {
      reason = CrossingReason(kind: .noGain, text: "moving \(names[w]) saves nothing")
    }
    return Outcome(reason: reason, cost: cost)
  }

  /// The change of the traffic term where the worst of several matrices counts, by a change of one workload's edges.
  private func worstChange(_ before: Evaluation, _ after: Evaluation) -> Double? {
    let costs = evaluation.matrices.map(\.cost)
    let changed = costs.indices.map { costs[$0] + after.matrices[$0].cost - before.matrices[$0].cost }
    guard let was = problem.worstCost(ofMatrices: costs), let now = problem.worstCost(ofMatrices: changed) else {
      return nil
    }
    return now - was
  }

  /// The highest utilization of any resource on any node once a workload is placed otherwise.
  private func peak(moving w: Int, to target: [Problem.Placed]) -> Double {
    var change: [Int: Int] = [:]
    for place in assignment.placed[w] { change[place.node, default: 0] -= place.replicas }
    for place in target { change[place.node, default: 0] += place.replicas }
    let elsewhere = fullestFirst.first { change[$0] == nil }.map { utilization[$0] } ?? 0
    return change.reduce(elsewhere) { peak, entry in
      let (n, replicas) = entry
      return problem.resources.indices.reduce(peak) { peak, k in
        let i = n * problem.resources.count + k
        guard problem.allocatable[i] > 0 else { return peak }
        let load = load[i] + Int64(replicas) * problem.requests[w * problem.resources.count + k]
        return max(peak, Double(load) / Double(problem.allocatable[i]))
      }
    }
  }

  /// The neighbour to which a workload would lose the most traffic.
  private func heavier(
    _ part: Neighbourhood, _ before: Evaluation, _ after: Evaluation, _ names: WorkloadLabels
  ) -> String {
    let edges = part.problem.edges
    let loss = edges.indices.map { e in
      edges[e].traffic
        * (problem.weights.leavingNode * (before.localShareOfEdge[e] - after.localShareOfEdge[e])
          + problem.weights.leavingZone * (before.zoneShareOfEdge[e] - after.zoneShareOfEdge[e]))
    }
    guard let e = loss.indices.max(by: { loss[$0] < loss[$1] }), loss[e] > 0 else { return "cheaper elsewhere" }
    return "\(names[part.workloads[0]]) stays with \(names[part.workloads[edges[e].v]]) "
      + "(\(Human.traffic(edges[e].traffic, unit: problem.trafficUnit)))"
  }
}

/// A workload and those that it talks to, as a problem of their own without resources: all that a move of the workload
/// can change but for utilization.
private struct Neighbourhood {
  /// The workloads' indices in the whole problem; the one that moves comes first.
  private(set) var workloads: [Int]
  /// Its edges start at workload 0.
  private(set) var problem: Problem

  init(of w: Int, _ whole: Problem, _ edges: [Int]) {
    workloads = [w] + edges.map { whole.edges[$0].u == w ? whole.edges[$0].v : whole.edges[$0].u }
    problem = Problem(
      resources: [], nodes: whole.nodes, zones: whole.zones, workloads: workloads.map { whole.workloads[$0] },
      requests: [], allocatable: [])
    problem.edges = edges.enumerated().map { i, e in
      Problem.Edge(u: 0, v: i + 1, traffic: whole.edges[e].traffic, byMatrix: whole.edges[e].trafficByMatrix)
    }
    // By mean, so that the traffic of the edges stays as it is.
    problem.matrices = whole.matrices
    problem.current = [whole.current[w]] + edges.map { _ in nil }
    problem.weights = whole.weights
  }

  func evaluate(_ assignment: Assignment) -> Evaluation {
    problem.evaluate(Assignment(placed: workloads.map { assignment.placed[$0] }))
  }
}

extension Problem.Rule {
  /// The workloads of which the rule speaks.
  fileprivate var workloads: Set<Int> {
    switch self {
    case .atMost(let w, _, _): [w]
    case .apart(let w, let other, _): [w, other]
    case .together(let w, let others, let staying, _, _, _): Set(others + staying + [w])
    case .spread(let w, let members, _, _, _, _, _): Set(members + [w])
    }
  }
}
