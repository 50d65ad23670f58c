package import Placement

extension Problem {
  /// Tries every placement there is. For problems of a handful of workloads and nodes.
  ///
  /// - Returns: the best one and its objective, nil where none satisfies all constraints.
  package func exhaustiveOptimum() -> (assignment: Assignment, objective: Double)? {
    var best: (assignment: Assignment, objective: Double)?
    forEachPlacement { assignment in
      let objective = evaluate(assignment).objective
      if objective < best?.objective ?? .infinity { best = (assignment, objective) }
    }
    return best
  }

  /// Calls `body` with every placement that satisfies all constraints.
  package func forEachPlacement(_ body: (Assignment) -> Void) {
    var free = nodes.indices.flatMap { n in resources.indices.map { capacity(node: n, resource: $0) } }
    var placed: [[Placed]] = Array(repeating: [], count: workloads.count)
    // What runs there fills the node too much already, and may stay: whether it does is checked at the end.
    let now = load(Assignment(placed: current.map { $0 ?? [] }))
    let isOverfull = nodes.indices.map { n in
      resources.indices.contains { now[n * resources.count + $0] > allocatable[n * resources.count + $0] }
    }

    func place(_ w: Int, from n: Int, left: Int) {
      if left == 0 {
        if w + 1 < workloads.count {
          place(w + 1, from: 0, left: workloads[w + 1].replicas)
        } else {
          let assignment = Assignment(placed: placed)
          if brokenConstraint(assignment) == nil { body(assignment) }
        }
        return
      }
      if n == nodes.count { return }
      place(w, from: n + 1, left: left)
      var taken = 0
      for count in stride(from: 1, through: min(left, limit(workload: w, node: n)), by: 1) {
        let fits =
          isOverfull[n]
          || resources.indices.allSatisfy { requests[w * resources.count + $0] <= free[n * resources.count + $0] }
        guard fits else { break }
        for k in resources.indices { free[n * resources.count + k] -= requests[w * resources.count + k] }
        taken = count
        placed[w].append(Placed(node: n, replicas: count))
        place(w, from: n + 1, left: left - count)
        placed[w].removeLast()
      }
      for k in resources.indices {
        free[n * resources.count + k] += Int64(taken) * requests[w * resources.count + k]
      }
    }

    if workloads.isEmpty {
      body(Assignment(placed: []))
    } else {
      place(0, from: 0, left: workloads[0].replicas)
    }
  }
}
