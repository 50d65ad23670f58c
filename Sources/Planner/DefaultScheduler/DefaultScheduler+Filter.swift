import Placement

extension DefaultScheduler {
  /// The nodes where one more replica of a workload may run, given what runs now, in order.
  package func feasibleNodes(for w: Int) -> [Int] {
    let tests = rulesOfWorkload[w].map { test($0, for: w) }
    return problem.nodes.indices.filter { n in
      counts[w][n] < problem.startLimit(workload: w, node: n) && fits(w, on: n) && tests.allSatisfy { $0.allows(n) }
    }
  }

  private func fits(_ w: Int, on n: Int) -> Bool {
    problem.resources.indices.allSatisfy { k in
      let request = problem.requests[w * problem.resources.count + k]
      let i = n * problem.resources.count + k
      return request == 0 || load[i] + request <= problem.allocatable[i]
    }
  }

  /// What a rule says of nodes, given what runs now.
  private struct DomainTest {
    var domain: [Int32]
    /// Whether each domain takes another replica.
    var isAllowed: [Bool]
    /// Whether nodes in no domain do.
    var allowsOthers: Bool

    func allows(_ n: Int) -> Bool { domain[n] < 0 ? allowsOthers : isAllowed[Int(domain[n])] }
  }

  private func test(_ rule: Problem.Rule, for w: Int) -> DomainTest {
    func make(_ p: Int, others: Bool, _ isAllowed: (Int) -> Bool) -> DomainTest {
      let partition = problem.partitions[p]
      return DomainTest(
        domain: partition.domain, isAllowed: (0..<partition.count).map(isAllowed), allowsOthers: others)
    }
    switch rule {
    case .atMost(_, let p, let count):
      let held = held([w], in: p)
      return make(p, others: true) { held[$0] < count }
    case .apart(let u, let v, let p):
      let held = held([u == w ? v : u], in: p)
      return make(p, others: true) { held[$0] == 0 }
    case .together(_, let others, let staying, let p, let present, let first):
      let held = held(others + staying, in: p)
      // The first of a group whose pods want to be together may go anywhere.
      let isFirst = first && held.allSatisfy { $0 == 0 }
      return make(p, others: false) { isFirst || present[$0] || held[$0] > 0 }
    case .spread(_, let members, let p, let maxSkew, let minDomains, let base, let eligible):
      let held = zip(held(members, in: p), base).map { $0 + $1 }
      let domains = eligible.indices.filter { eligible[$0] }
      let emptiest = domains.count < minDomains ? 0 : domains.map { held[$0] }.min() ?? 0
      let own = members.contains(w) ? 1 : 0
      return make(p, others: false) { !eligible[$0] || held[$0] + own - emptiest <= maxSkew }
    }
  }

  /// How many replicas of some workloads each domain of a partition holds.
  private func held(_ workloads: [Int], in p: Int) -> [Int] {
    let partition = problem.partitions[p]
    var held = Array(repeating: 0, count: partition.count)
    for w in workloads {
      for (n, count) in counts[w].enumerated() where partition.domain[n] >= 0 {
        held[Int(partition.domain[n])] += count
      }
    }
    return held
  }
}
