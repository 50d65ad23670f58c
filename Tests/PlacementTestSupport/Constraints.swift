package import Placement

extension Problem {
  /// Says which constraint a placement breaks first, straight from the definitions and as slowly as it takes; nil where
  /// it satisfies all. For tests to hold faster code to.
  package func brokenConstraint(_ assignment: Assignment) -> String? {
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
        let takers = workloads.indices.filter { requests[$0 * resources.count + k] > 0 }
        let used = takers.reduce(0) { $0 + Int64(counts[$1][n]) * requests[$1 * resources.count + k] }
        if used > capacity(node: n, resource: k), takers.contains(where: { counts[$0][n] > stays($0, n) }) {
          return "\(nodes[n].name) is out of \(resources[k])"
        }
      }
    }
    for rule in rules where !holds(rule, counts) { return "\(rule)" }
    if let most = weights.maxMoves, moves(assignment) > most { return "\(moves(assignment)) moves" }
    return nil
  }

  /// How many replicas run on a node and are not evicted.
  private func stays(_ w: Int, _ n: Int) -> Int {
    evictedFrom[w]?.contains(n) == true ? 0 : current[w]?.filter { $0.node == n }.reduce(0) { $0 + $1.replicas } ?? 0
  }

  private func holds(_ rule: Rule, _ counts: [[Int]]) -> Bool {
    /// Those of the replicas that are where they are now.
    func staying(_ w: Int, _ partition: Int) -> [Int] {
      nodes.indices.reduce(into: Array(repeating: 0, count: partitions[partition].count)) {
        let domain = Int(partitions[partition].domain[$1])
        if domain >= 0 { $0[domain] += min(counts[w][$1], stays(w, $1)) }
      }
    }
    /// All that may stay, and what of it is sure to where a workload shrinks.
    func now(_ w: Int, _ partition: Int, sure: Bool = false) -> [Int] {
      let running = (current[w] ?? []).reduce(0) { $0 + $1.replicas }
      let surplus = sure ? max(0, running - workloads[w].replicas) : 0
      let all = nodes.indices.reduce(into: Array(repeating: 0, count: partitions[partition].count)) {
        let domain = Int(partitions[partition].domain[$1])
        if domain >= 0 { $0[domain] += stays(w, $1) }
      }
      return all.map { max(0, $0 - surplus) }
    }
    func starts(_ w: Int, _ partition: Int, _ d: Int) -> Bool {
      inDomains(w, partition)[d] > staying(w, partition)[d]
    }
    func inDomains(_ w: Int, _ partition: Int) -> [Int] {
      nodes.indices.reduce(into: Array(repeating: 0, count: partitions[partition].count)) {
        let domain = Int(partitions[partition].domain[$1])
        if domain >= 0 { $0[domain] += counts[w][$1] }
      }
    }
    func isOutside(_ w: Int, _ partition: Int) -> Bool {
      nodes.indices.contains { partitions[partition].domain[$0] < 0 && counts[w][$0] > stays(w, $0) }
    }
    switch rule {
    case .atMost(let w, let partition, let count):
      return inDomains(w, partition).enumerated().allSatisfy { d, held in
        held <= count || now(w, partition)[d] > count && !starts(w, partition, d)
      }
    case .apart(let w, let other, let partition):
      let (one, two) = (inDomains(w, partition), inDomains(other, partition))
      return one.indices.allSatisfy { d in
        let isBroken = now(w, partition)[d] > 0 && now(other, partition)[d] > 0
        return one[d] == 0 || two[d] == 0
          || isBroken && !starts(w, partition, d) && !starts(other, partition, d)
      }
    case .together(let w, let others, let staying_, let partition, let present, let first):
      if isOutside(w, partition) { return false }
      let mates = staying_.filter { $0 != w }
      let there = others.map { inDomains($0, partition) } + mates.map { staying($0, partition) }
      let own = inDomains(w, partition)
      let ownStaying = staying(w, partition)
      let isOwn = staying_.contains(w)
      let broken = own.indices.filter { d in
        let hasOwn = isOwn && own[d] > 1 && ownStaying[d] > 0
        return own[d] > 0 && !present[d] && !there.contains { $0[d] > 0 } && !hasOwn
      }
      if first, broken.count == 1 {
        // Nobody of its kind is anywhere else.
        let isAlone = ([w] + others + staying_).allSatisfy { v in
          inDomains(v, partition).enumerated().allSatisfy { $1 == 0 || $0 == broken[0] }
        }
        if isAlone { return true }
      }
      return broken.allSatisfy { d in
        let near = (others + mates).contains { now($0, partition, sure: true)[d] > 0 }
        let isAlone = !near && !(isOwn && now(w, partition)[d] > 1)
        let wasFirst =
          first && ([w] + others + mates).allSatisfy { v in now(v, partition).reduce(0, +) == now(v, partition)[d] }
        return now(w, partition)[d] > 0 && isAlone && !wasFirst && !starts(w, partition, d)
      }
    case .spread(let w, let members, let partition, let maxSkew, let minDomains, let base, let eligible):
      if isOutside(w, partition) { return false }
      let all = members.map { inDomains($0, partition) }
      let domains = eligible.indices.filter { eligible[$0] }
      let total = Dictionary(uniqueKeysWithValues: domains.map { d in (d, base[d] + all.reduce(0) { $0 + $1[d] }) })
      let emptiest = domains.count < minDomains ? 0 : total.values.min() ?? 0
      let own = inDomains(w, partition)
      let (all0, sure) = (members.map { now($0, partition) }, members.map { now($0, partition, sure: $0 != w) })
      let least = domains.map { d in base[d] + sure.reduce(0) { $0 + $1[d] } }.min() ?? 0
      let emptiestNow = domains.count < minDomains ? 0 : least
      return domains.allSatisfy { d in
        if own[d] == 0 || total[d, default: 0] - emptiest <= maxSkew { return true }
        let isBroken = now(w, partition)[d] > 0 && base[d] + all0.reduce(0) { $0 + $1[d] } - emptiestNow > maxSkew
        return isBroken && !starts(w, partition, d)
      }
    }
  }
}
