public import Placement

extension Problem {
  /// Says which constraint a placement breaks first, straight from the definitions and as slowly as it takes; nil where
  /// it satisfies all. For tests to hold faster code to.
  public func brokenConstraint(_ assignment: Assignment) -> String? {
    let counts = assignment.placed.map { placed in
      placed.reduce(into: Array(repeating: 0, count: nodes.count)) { $0[$1.node] += $1.replicas }
    }
    for (w, workload) in workloads.enumerated() {
      if counts[w].reduce(0, +) != workload.replicas { return "\(workload.name) has not all its replicas" }
      for n in nodes.indices where counts[w][n] < 0 || counts[w][n] > limit(workload: w, node: n) {
        return "\(workload.name) has \(counts[w][n]) replicas on \(nodes[n].name)"
      }
    }
    for n in nodes.indices {
      for k in resources.indices {
        let used = workloads.indices.reduce(0) { $0 + Int64(counts[$1][n]) * requests[$1 * resources.count + k] }
        if used > capacity(node: n, resource: k) { return "\(nodes[n].name) is out of \(resources[k])" }
      }
    }
    for rule in rules where !holds(rule, counts) { return "\(rule)" }
    if let most = weights.maxMoves, moves(assignment) > most { return "\(moves(assignment)) moves" }
    return nil
  }

  private func holds(_ rule: Rule, _ counts: [[Int]]) -> Bool {
    func inDomains(_ w: Int, _ partition: Int) -> [Int] {
      nodes.indices.reduce(into: Array(repeating: 0, count: partitions[partition].count)) {
        let domain = Int(partitions[partition].domain[$1])
        if domain >= 0 { $0[domain] += counts[w][$1] }
      }
    }
    func isOutside(_ w: Int, _ partition: Int) -> Bool {
      nodes.indices.contains { partitions[partition].domain[$0] < 0 && counts[w][$0] > 0 }
    }
    switch rule {
    case .atMost(let w, let partition, let count):
      return inDomains(w, partition).allSatisfy { $0 <= count }
    case .apart(let w, let other, let partition):
      return zip(inDomains(w, partition), inDomains(other, partition)).allSatisfy { $0 == 0 || $1 == 0 }
    case .together(let w, let others, let partition, let present):
      if isOutside(w, partition) { return false }
      let there = others.map { inDomains($0, partition) }
      return inDomains(w, partition).enumerated().allSatisfy { d, count in
        count == 0 || present[d] || there.contains { $0[d] > 0 }
      }
    case .spread(let w, let members, let partition, let maxSkew, let minDomains, let base, let eligible):
      if isOutside(w, partition) { return false }
      let all = members.map { inDomains($0, partition) }
      let domains = eligible.indices.filter { eligible[$0] }
      let total = Dictionary(uniqueKeysWithValues: domains.map { d in (d, base[d] + all.reduce(0) { $0 + $1[d] }) })
      let emptiest = domains.count < minDomains ? 0 : total.values.min() ?? 0
      let own = inDomains(w, partition)
      return domains.allSatisfy { own[$0] == 0 || total[$0, default: 0] - emptiest <= maxSkew }
    }
  }
}
