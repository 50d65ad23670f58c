/// How many replicas each domain holds of the members that rules speak of, and whether the rules hold.
struct RuleCounts {
  private let search: SearchProblem
  private let rules: [Problem.Rule]
  private let partitions: [Problem.Partition]
  /// Row of a member in the counts of a partition; −1 where no rule needs them.
  private var rowOf: [[Int32]]
  /// Replicas by domain: `counts[partition][row * domains + domain]`.
  private var counts: [[Int32]]
  /// Those of them that start, laid out in the same way; empty where no rule asks for them.
  private var starts: [[Int32]] = []
  private let broken: [[Bool]]

  init(_ search: SearchProblem) {
    self.search = search
    broken = search.staying.broken
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
    if search.staying.mattersToRules { starts = counts }
  }

  mutating func add(_ m: Int, node: Int, replicas: Int) {
    for p in partitions.indices {
      let row = rowOf[p][m]
      let domain = partitions[p].domain[node]
      if row >= 0 && domain >= 0 { counts[p][Int(row) * partitions[p].count + Int(domain)] += Int32(replicas) }
    }
  }

  /// Notes that so many more replicas of a member start on a node.
  mutating func addStarts(_ m: Int, node: Int, replicas: Int) {
    guard replicas != 0 else { return }
    for p in starts.indices {
      let row = rowOf[p][m]
      let domain = partitions[p].domain[node]
      if row >= 0 && domain >= 0 { starts[p][Int(row) * partitions[p].count + Int(domain)] += Int32(replicas) }
    }
  }

  /// How many replicas of a member start on a node where it has so many.
  private func starting(_ m: Int, node: Int, of held: Int) -> Int {
    starts.isEmpty ? 0 : max(0, held - search.staying.count(search.members[m], on: node))
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

  /// Adds replicas of a workload to those that a node has.
  mutating func add(workload w: Int, node: Int, replicas: Int, to held: Int) {
    guard mindsWorkload(w) else { return }
    let m = search.memberOf[w]
    add(m, node: node, replicas: replicas)
    addStarts(m, node: node, replicas: starting(m, node: node, of: held + replicas) - starting(m, node: node, of: held))
  }

  /// Whether one more replica of a workload on a node that has some breaks no rule more than it is broken already.
  mutating func admits(workload w: Int, node: Int, beside held: Int) -> Bool {
    let m = search.memberOf[w]
    guard m >= 0 else { return true }
    let before = search.rulesOf[m].reduce(0) { $0 + violation($1) }
    add(workload: w, node: node, replicas: 1, to: held)
    let after = search.rulesOf[m].reduce(0) { $0 + violation($1) }
    add(workload: w, node: node, replicas: -1, to: held + 1)
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

  private func starting(_ workload: Int, _ p: Int, _ domain: Int) -> Int {
    let m = search.memberOf[workload]
    guard m >= 0, !starts.isEmpty else { return 0 }
    return Int(starts[p][Int(rowOf[p][m]) * partitions[p].count + domain])
  }

  /// Whether a rule that is broken in a domain now may stay so, as nothing starts there.
  private func mayStayBroken(_ rule: Int, _ domain: Int) -> Bool {
    guard !broken[rule].isEmpty, broken[rule][domain] else { return false }
    let p = rules[rule].partition
    return rules[rule].bound.allSatisfy { starting($0, p, domain) == 0 }
  }

  /// By how many replicas a rule is broken; 0 where it holds.
  func violation(_ rule: Int) -> Int {
    let p = rules[rule].partition
    let domains = 0..<partitions[p].count
    switch rules[rule] {
    case .atMost(let workload, _, let most):
      return domains.reduce(0) { sum, d in
        let over = count(workload, p, d) - most
        return over <= 0 || mayStayBroken(rule, d) ? sum : sum + over
      }
    case .apart(let workload, let other, _):
      return domains.reduce(0) { sum, d in
        let both = min(count(workload, p, d), count(other, p, d))
        return both == 0 || mayStayBroken(rule, d) ? sum : sum + both
      }
    case .together(let workload, let others, let staying, _, let present, let first):
      let alone = domains.reduce(0) { sum, d in
        let own = count(workload, p, d)
        if own == 0 || present[d] || others.contains(where: { count($0, p, d) > 0 }) { return sum }
        if !starts.isEmpty,
          staying.contains(where: { ($0 != workload || own > 1) && count($0, p, d) > starting($0, p, d) })
        {
          return sum
        }
        return mayStayBroken(rule, d) ? sum : sum + own
      }
      guard first, alone > 0 else { return alone }
      // One domain may hold all of them.
      let kin = rules[rule].workloads
      let all = kin.reduce(0) { sum, o in domains.reduce(sum) { $0 + count(o, p, $1) } }
      let most = domains.map { d in kin.reduce(0) { $0 + count($1, p, d) } }.max() ?? 0
      return min(alone, all - most)
    case .spread(let workload, let members, _, let maxSkew, let minDomains, let base, let eligible):
      var emptiest = Int.max
      var fullest = 0
      var eligibleCount = 0
      for d in domains where eligible[d] {
        let held = members.reduce(base[d]) { $0 + count($1, p, d) }
        emptiest = min(emptiest, held)
        if held > fullest, count(workload, p, d) > 0, !mayStayBroken(rule, d) { fullest = held }
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
    case .atMost(_, let partition, _), .apart(_, _, let partition), .together(_, _, _, let partition, _, _),
      .spread(_, _, let partition, _, _, _, _):
      partition
    }
  }

  /// The workloads whose replicas may not start where the rule does not hold.
  var bound: [Int] {
    switch self {
    case .atMost(let workload, _, _), .together(let workload, _, _, _, _, _), .spread(let workload, _, _, _, _, _, _):
      [workload]
    case .apart(let workload, let other, _): [workload, other]
    }
  }
}
