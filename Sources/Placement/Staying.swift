extension Problem {
  /// How many replicas of a workload run on a node now and may stay there: none where they are evicted.
  public func staying(workload w: Int, node n: Int) -> Int {
    guard let now = current[w], evictedFrom[w]?.contains(n) != true else { return 0 }
    return now.first { $0.node == n }?.replicas ?? 0
  }

  /// Replicas that each workload gives up as it shrinks; they are no moves.
  var surplus: [Int] {
    workloads.indices.map { w in
      max(0, (current[w] ?? []).reduce(0) { $0 + $1.replicas } - workloads[w].replicas)
    }
  }
}

/// What runs now and may stay where it is, and which constraints that breaks already.
///
/// Kubernetes checks a pod when it starts, and lets it run on. So where a constraint is broken now, it holds again from
/// the moment that a replica of which it speaks starts there; until then what runs there may stay. A constraint that
/// holds now is not to be broken by the plan.
struct Staying: Sendable {
  /// The replicas that may stay, by workload, sorted by node.
  let placed: [[Problem.Placed]]
  /// Whether what runs now fills a node beyond what it has: `overfull[n * resources.count + k]`; empty where no node is.
  let overfull: [Bool]
  /// The domains of each rule in which it is broken now by what may stay; empty for a rule that is broken nowhere.
  let broken: [[Bool]]
  /// Whether any rule asks where replicas start, or which stay.
  let mattersToRules: Bool

  init(_ problem: Problem) {
    let placed = problem.workloads.indices.map { w in
      let evicted = problem.evictedFrom[w] ?? []
      return (problem.current[w] ?? []).filter { $0.replicas > 0 && !evicted.contains($0.node) }
        .sorted { $0.node < $1.node }
    }
    self.placed = placed
    let load = problem.load(Assignment(placed: placed))
    let overfull = load.indices.map { load[$0] > problem.allocatable[$0] && load[$0] > problem.reserved[$0] }
    self.overfull = overfull.contains(true) ? overfull : []
    let surplus = problem.rules.isEmpty ? [] : problem.surplus
    broken = problem.rules.map { rule in
      let broken = Self.brokenDomains(rule, problem, placed, surplus)
      return broken.contains(true) ? broken : []
    }
    mattersToRules =
      broken.contains { !$0.isEmpty }
      || problem.rules.contains { rule in
        guard case .together(_, _, let staying, _, _, _) = rule else { return false }
        return staying.contains { !placed[$0].isEmpty }
      }
  }

  /// Whether anything but the limits of single nodes depends on what stays.
  var matters: Bool { !overfull.isEmpty || mattersToRules }

  /// How many replicas of a workload may stay on a node.
  func count(_ w: Int, on n: Int) -> Int {
    let places = placed[w]
    var (low, high) = (0, places.count)
    while low < high {
      let middle = (low + high) / 2
      if places[middle].node < n { low = middle + 1 } else { high = middle }
    }
    return low < places.count && places[low].node == n ? places[low].replicas : 0
  }

  /// How many replicas of a workload may stay on the nodes of each domain of a partition.
  static func counts(_ placed: [Problem.Placed], in partition: Problem.Partition) -> [Int] {
    var counts = Array(repeating: 0, count: partition.count)
    for place in placed where partition.domain[place.node] >= 0 {
      counts[Int(partition.domain[place.node])] += place.replicas
    }
    return counts
  }

  /// Replicas that a workload gives up as it shrinks may be any. So a rule that looks at others is only taken to hold
  /// where it holds without those.
  private static func brokenDomains(
    _ rule: Problem.Rule, _ problem: Problem, _ placed: [[Problem.Placed]], _ surplus: [Int]
  ) -> [Bool] {
    let partition = problem.partitions[rule.partition]
    func counts(_ w: Int) -> [Int] { Self.counts(placed[w], in: partition) }
    func sureCounts(_ w: Int) -> [Int] { counts(w).map { max(0, $0 - surplus[w]) } }
    switch rule {
    case .atMost(let w, _, let most):
      return counts(w).map { $0 > most }
    case .apart(let w, let other, _):
      return zip(counts(w), counts(other)).map { $0 > 0 && $1 > 0 }
    case .together(let w, let others, let staying, _, let present, let first):
      let near = (others + staying.filter { $0 != w }).map(sureCounts)
      let kin = ([w] + others + staying.filter { $0 != w }).map(counts)
      let isOfItsKind = staying.contains(w)
      return counts(w).enumerated().map { d, count in
        if count == 0 || present[d] || near.contains(where: { $0[d] > 0 }) { return false }
        // It is whole beside another of its own, and where all are there.
        if isOfItsKind, count > 1 { return false }
        return !first || kin.contains { $0.reduce(0, +) > $0[d] }
      }
    case .spread(let w, let members, _, let maxSkew, let minDomains, let base, let eligible):
      let all = members.map(counts)
      let sure = members.map { $0 == w ? counts(w) : sureCounts($0) }
      let domains = eligible.indices.filter { eligible[$0] }
      let least = domains.map { d in sure.reduce(base[d]) { $0 + $1[d] } }.min() ?? 0
      let emptiest = domains.count < minDomains ? 0 : least
      let own = counts(w)
      return eligible.indices.map { d in
        eligible[d] && own[d] > 0 && all.reduce(base[d]) { $0 + $1[d] } - emptiest > maxSkew
      }
    }
  }
}
