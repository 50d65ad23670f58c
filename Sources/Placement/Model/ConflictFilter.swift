/// Finds a small set of constraints of a problem that cannot hold together.
///
/// It keeps a set that is proven to have no placement and tries to leave constraints out, many at once at first. What it
/// has at any moment is a conflict. Without its traffic a problem is only a question of room, which is quick to answer.
struct ConflictFilter {
  /// What can be left out of a problem.
  private enum Constraint: Hashable {
    /// That all replicas of a workload are placed.
    case workload(Int)
    /// The capacities of a resource.
    case resource(Int)
    /// Where a workload may run.
    case limits(Int)
    case rule(Int)
    case moves
  }

  private let problem: Problem
  private let nodeLimit: Int
  private let shouldStop: () -> Bool

  init(_ problem: Problem, nodeLimit: Int, shouldStop: @escaping () -> Bool) {
    var bare = problem
    bare.edges = []
    bare.weights.utilization = 0
    bare.weights.move = 0
    self.problem = bare
    self.nodeLimit = nodeLimit
    self.shouldStop = shouldStop
  }

  /// What is left out first is what explains least: moves and rules, then limits, then workloads from the least of them
  /// on, then resources.
  func run() -> Conflict? {
    let isSmall = problem.workloads.count * problem.nodes.count <= 20_000
    if let alone = problem.workloads.indices.first(where: hasNoRoomAlone) {
      return minimized([.limits(alone), .workload(alone)] + problem.resources.indices.map(Constraint.resource))
    }
    return isSmall && isImpossible(constraints) ? minimized(constraints) : nil
  }

  private var constraints: [Constraint] {
    let resources = problem.resources.indices
    let totals = resources.map { k in
      problem.nodes.indices.reduce(1.0) { $0 + Double(problem.capacity(node: $1, resource: k)) }
    }
    /// The largest part of the cluster that a workload needs of a resource.
    let part = problem.workloads.indices.map { w in
      resources.map { k in
        Double(problem.workloads[w].replicas) * Double(problem.requests[w * resources.count + k]) / totals[k]
      }.max() ?? 0
    }
    let limited = problem.workloads.indices.filter { w in
      problem.nodes.indices.contains { problem.limit(workload: w, node: $0) < problem.workloads[w].replicas }
    }
    return (problem.weights.maxMoves == nil ? [] : [.moves])
      + problem.rules.indices.map(Constraint.rule)
      + limited.map(Constraint.limits)
      + problem.workloads.indices.sorted { (part[$0], $1) < (part[$1], $0) }.map(Constraint.workload)
      + resources.map(Constraint.resource)
  }

  /// Whether a workload could not even be placed on empty nodes.
  private func hasNoRoomAlone(_ w: Int) -> Bool {
    var left = problem.workloads[w].replicas
    for n in problem.nodes.indices where left > 0 {
      var room = problem.limit(workload: w, node: n)
      for k in problem.resources.indices {
        let request = problem.requests[w * problem.resources.count + k]
        if request > 0 { room = min(room, Int(clamping: problem.capacity(node: n, resource: k) / request)) }
      }
      left -= max(room, problem.staying(workload: w, node: n))
    }
    return left > 0
  }

  private func minimized(_ conflict: [Constraint]) -> Conflict {
    var conflict = conflict
    var size = max(1, conflict.count / 2)
    while !shouldStop() {
      var start = 0
      while start < conflict.count && !shouldStop() {
        let trial = Array(conflict[..<start] + conflict[min(start + size, conflict.count)...])
        if isImpossible(trial) { conflict = trial } else { start += size }
      }
      if size == 1 { break }
      size /= 2
    }
    return summary(conflict)
  }

  /// Whether it is proven that no placement satisfies these constraints alone.
  private func isImpossible(_ constraints: [Constraint]) -> Bool {
    let kept = Set(constraints)
    var relaxed = problem
    relaxed.rules = problem.rules.indices.filter { kept.contains(.rule($0)) }.map { problem.rules[$0] }
    if !kept.contains(.moves) { relaxed.weights.maxMoves = nil }
    for k in problem.resources.indices where !kept.contains(.resource(k)) {
      for w in problem.workloads.indices { relaxed.requests[w * problem.resources.count + k] = 0 }
    }
    relaxed.limitRows.append(Array(repeating: .max, count: problem.nodes.count))
    for w in problem.workloads.indices where !kept.contains(.limits(w)) {
      relaxed.workloads[w].limitRow = relaxed.limitRows.count - 1
    }
    // A workload that is left out may still have replicas, as far as a rule speaks of it.
    let optional = problem.workloads.indices.filter { !kept.contains(.workload($0)) }
    let mentioned = Set(relaxed.rules.flatMap(\.workloads))
    for w in optional where !mentioned.contains(w) { relaxed.workloads[w].replicas = 0 }
    var model = PlacementModel(relaxed, optional: Set(optional))
    model.search.backtracking = .depthFirst
    // A fault in the solver proves nothing.
    let outcome = try? model.solve(.init(nodes: nodeLimit), shouldStop: shouldStop)
    return outcome?.isInfeasible ?? false
  }

  private func summary(_ constraints: [Constraint]) -> Conflict {
    var conflict = Conflict(workloads: [], resources: [])
    for constraint in constraints {
      switch constraint {
      case .workload(let w): conflict.workloads.append(w)
      case .resource(let k): conflict.resources.append(k)
      case .limits(let w): conflict.limited.append(w)
      case .rule(let rule): conflict.rules.append(rule)
      case .moves: conflict.moves = true
      }
    }
    conflict.workloads.sort()
    return conflict
  }
}
