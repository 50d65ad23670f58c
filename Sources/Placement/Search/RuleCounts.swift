/// How many replicas each domain holds of the members that rules speak of, and whether the rules hold.
struct RuleCounts {
  private let search: SearchProblem
  private let rules: [Problem.Rule]
  private let partitions: [Problem.Partition]
  /// Row of a member in the counts of a partition; −1 where no rule needs them.
  private var rowOf: [[Int32]]
  /// Replicas by domain: `counts[partition][row * domains + domain]`.
  private var counts: [[Int32]]

  init(_ search: SearchProblem) {
    self.search = search
    rules = search.problem.rules
    partitions = search.problem.partitions
    rowOf = partitions.map { _ in Array(repeating: -1, count: search.members.count) }
    counts = partitions.map { _ in [] }
    for rule in rules {
      let p = rule.partition
      for w in rule.workloads {
        let m = search.memberOf[w]
        guard m >= 0, rowOf[p][m] < 0 else { continue }
        rowOf[p][m] = Int32(counts[p].count / max(1, partitions[p].count))
        counts[p] += Array(repeating: 0, count: partitions[p].count)
      }
    }
  }

  mutating func add(_ m: Int, node: Int, replicas: Int) {
    for p in partitions.indices {
      let row = rowOf[p][m]
      let domain = partitions[p].domain[node]
      if row >= 0 && domain >= 0 { counts[p][Int(row) * partitions[p].count + Int(domain)] += Int32(replicas) }
    }
  }

  mutating func move(_ m: Int, from: Int, to: Int, replicas: Int) {
    add(m, node: from, replicas: -replicas)
    add(m, node: to, replicas: replicas)
  }

  /// Whether rules speak of a workload.
  func mindsWorkload(_ w: Int) -> Bool {
    let m = search.memberOf[w]
    return m >= 0 && !search.rulesOf[m].isEmpty
  }

  mutating func add(workload w: Int, node: Int, replicas: Int) {
    if mindsWorkload(w) { add(search.memberOf[w], node: node, replicas: replicas) }
  }

  /// Whether one more replica of a workload on a node breaks no rule more than it is broken already.
  mutating func admits(workload w: Int, node: Int) -> Bool {
    let m = search.memberOf[w]
    guard m >= 0 else { return true }
    let before = search.rulesOf[m].reduce(0) { $0 + violation($1) }
    add(m, node: node, replicas: 1)
    let after = search.rulesOf[m].reduce(0) { $0 + violation($1) }
    add(m, node: node, replicas: -1)
    return after <= before
  }

  /// Whether all rules hold that speak of a member.
  func holds(forMember m: Int) -> Bool {
    search.rulesOf[m].allSatisfy { violation($0) == 0 }
  }

  private func count(_ workload: Int, _ p: Int, _ domain: Int) -> Int {
    let m = search.memberOf[workload]
    guard m >= 0 else { return 0 }
    return Int(counts[p][Int(rowOf[p][m]) * partitions[p].count + domain])
  }

  /// By how many replicas a rule is broken; 0 where it holds.
  func violation(_ rule: Int) -> Int {
    let p = rules[rule].partition
    let domains = 0..<partitions[p].count
    switch rules[rule] {
    case .atMost(let workload, _, let most):
      return domains.reduce(0) { $0 + max(0, count(workload, p, $1) - most) }
    case .apart(let workload, let other, _):
      return domains.reduce(0) { $0 + min(count(workload, p, $1), count(other, p, $1)) }
    case .together(let workload, let others, _, let present):
      return domains.reduce(0) { broken, d in
        present[d] || others.contains { count($0, p, d) > 0 } ? broken : broken + count(workload, p, d)
      }
    case .spread(let workload, let members, _, let maxSkew, let minDomains, let base, let eligible):
      var emptiest = Int.max
      var fullest = 0
      var eligibleCount = 0
      for d in domains where eligible[d] {
        let held = members.reduce(base[d]) { $0 + count($1, p, d) }
        emptiest = min(emptiest, held)
        if count(workload, p, d) > 0 { fullest = max(fullest, held) }
        eligibleCount += 1
      }
      if eligibleCount < minDomains || eligibleCount == 0 { emptiest = 0 }
      return max(0, fullest - emptiest - maxSkew)
    }
  }
}

extension Problem.Rule {
  /// Index of the partition whose domains the rule speaks of.
  var partition: Int {
    switch self {
    case .atMost(_, let partition, _), .apart(_, _, let partition), .together(_, _, let partition, _),
      .spread(_, _, let partition, _, _, _, _):
      partition
    }
  }
}
