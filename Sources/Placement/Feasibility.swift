extension Problem {
  /// Whether a placement keeps the replica counts, limits, capacities, rules and the most moves.
  public func isFeasible(_ assignment: Assignment) -> Bool {
    violations(assignment).isEmpty
  }

  /// What a placement breaks, a sentence each; empty where it keeps everything.
  public func violations(_ assignment: Assignment) -> [String] {
    var violations: [String] = []
    for (w, workload) in workloads.enumerated() {
      let placed = assignment.placed[w].reduce(0) { $0 + $1.replicas }
      if placed != workload.replicas {
        violations.append("\(workload.name): \(placed) of \(workload.replicas) replicas are placed")
      }
      for place in assignment.placed[w] where place.replicas > limit(workload: w, node: place.node) {
        violations.append(
          "\(workload.name): \(place.replicas) replicas on \(nodes[place.node].name), "
            + "where at most \(limit(workload: w, node: place.node)) may run")
      }
    }
    let load = load(assignment)
    for n in nodes.indices {
      for k in resources.indices {
        let i = n * resources.count + k
        let used = load[i] - reserved[i]
        if used > capacity(node: n, resource: k) {
          violations.append(
            "\(nodes[n].name): \(used) \(resources[k]) is placed, \(capacity(node: n, resource: k)) is free")
        }
      }
    }
    var counts = RuleCounts(SearchProblem(self, packsFillers: false))
    var member = 0
    for w in workloads.indices where workloads[w].replicas > 0 {
      for place in assignment.placed[w] { counts.add(member, node: place.node, replicas: place.replicas) }
      member += 1
    }
    for (index, rule) in rules.enumerated() where counts.violation(index) > 0 || placesOutside(rule, assignment) {
      violations.append("\(workloads[rule.workloads[0]].name): breaks \(describe(rule))")
    }
    if let most = weights.maxMoves {
      let moves = moves(assignment)
      if moves > most { violations.append("\(moves) replicas move, at most \(most) may") }
    }
    return violations
  }

  /// Whether a rule that wants domains finds a replica on a node in none.
  private func placesOutside(_ rule: Rule, _ assignment: Assignment) -> Bool {
    switch rule {
    case .together(let w, _, let p, _):
      return assignment.placed[w].contains { partitions[p].domain[$0.node] < 0 }
    case .spread(let w, _, let p, _, _, _, let eligible):
      return assignment.placed[w].contains {
        partitions[p].domain[$0.node] < 0 || !eligible[Int(partitions[p].domain[$0.node])]
      }
    case .atMost, .apart:
      return false
    }
  }

  /// A rule in words, for messages.
  public func describe(_ rule: Rule) -> String {
    let domain = partitions[rule.partition].name
    switch rule {
    case .atMost(_, _, let count):
      return "at most \(count) in each \(domain)"
    case .apart(_, let other, _):
      return "never in one \(domain) with \(workloads[other].name)"
    case .together(_, let others, _, _):
      return "in one \(domain) with \(others.map { workloads[$0].name }.joined(separator: " or "))"
    case .spread(_, _, _, let maxSkew, _, _, _):
      return "spread over \(domain) with a skew of at most \(maxSkew)"
    }
  }
}
