extension PlacementModel {
  /// A workload in a domain of a partition.
  struct DomainKey: Hashable {
    var workload: Int
    var partition: Int
    var domain: Int32
  }

  /// Adds the rows of a rule. A domain that no replica enters or leaves adds nothing.
  ///
  /// - Parameter broken: the domains in which the rule is broken now, and may stay so until a replica starts there;
  ///   empty for none.
  mutating func add(_ rule: Problem.Rule, broken: [Bool]) {
    func isBroken(_ d: Int32) -> Bool { !broken.isEmpty && broken[Int(d)] }
    switch rule {
    case .atMost(let w, let partition, let most):
      for d in domains(partition) {
        let (count, greatest) = count(w, in: d, of: problem.partitions[partition].domain)
        guard greatest > Double(most) else { continue }
        if isBroken(d) {
          let starts = starts(DomainKey(workload: w, partition: partition, domain: d))
          if starts.isZero { continue }
          formulation.addRow(count + (greatest - Double(most)) * starts, atMost: greatest)
        } else {
          formulation.addRow(count, atMost: Double(most))
        }
      }
    case .apart(let w, let other, let partition):
      for d in domains(partition) {
        let keys = [w, other].map { DomainKey(workload: $0, partition: partition, domain: d) }
        if isBroken(d) {
          for key in keys {
            let starts = starts(key)
            if !starts.isZero { keepApart(w, other, keys[0], since: starts) }
          }
        } else {
          keepApart(w, other, keys[0], since: nil)
        }
      }
    case .together(let w, let others, let staying, let partition, let present, let first):
      forbidOutside(w, partition)
      guard !others.contains(w) else { return }
      // Who may be the first depends on all domains.
      let keys = (first ? Array(0..<Int32(present.count)) : domains(partition)).filter { !present[Int($0)] }
        .map { DomainKey(workload: w, partition: partition, domain: $0) }
      let since = keys.map { isBroken($0.domain) ? starts($0) : nil }
      let mates = keys.map { near($0, others, staying) }
      let firsts = first ? firsts(rule.workloads, partition) : [:]
      for (i, key) in keys.enumerated() where since[i]?.isZero != true {
        keepTogether(key, near: mates[i], first: firsts[key.domain], since: since[i])
      }
    case .spread(let w, let members, let partition, let maxSkew, let minDomains, let base, let eligible):
      forbidOutside(w, partition)
      spread(
        w, members, partition, maxSkew: Double(maxSkew), minDomains: minDomains, base: base,
        eligible: (0..<Int32(problem.partitions[partition].count)).filter { eligible[Int($0)] }, broken: broken)
    }
  }

  /// Where one of the two is, the other cannot be; only where the indicator `since` is 1, if it is given.
  private mutating func keepApart(_ w: Int, _ other: Int, _ key: DomainKey, since: Formulation.Sum?) {
    let domain = problem.partitions[key.partition].domain
    let (countW, mostW) = count(w, in: key.domain, of: domain)
    let (countO, mostO) = count(other, in: key.domain, of: domain)
    if mostW == 0 || mostO == 0 || (countW.terms.isEmpty && countO.terms.isEmpty) { return }
    // An indicator is not needed where one of them is one already.
    let (sum, most) = mostO == 1 ? (countW + mostW * countO, mostW) : (countO + mostO * indicator(key), mostO)
    if let since {
      formulation.addRow(sum + most * since, atMost: 2 * most)
    } else {
      formulation.addRow(sum, atMost: most)
    }
  }

  /// Where a workload is, another is near, or it is the first there.
  private mutating func keepTogether(
    _ key: DomainKey, near: Formulation.Sum, first: Formulation.Sum?, since: Formulation.Sum?
  ) {
    let (own, most) = count(key.workload, in: key.domain, of: problem.partitions[key.partition].domain)
    if most == 0 { return }
    let there = near + (first ?? Formulation.Sum())
    if there.constant >= 1 || (own.terms.isEmpty && there.terms.isEmpty) { return }
    if let since {
      formulation.addRow(own - most * there + most * since, atMost: most, defines: first?.terms.first?.column)
    } else {
      formulation.addRow(own - most * there, atMost: 0, defines: first?.terms.first?.column)
    }
  }

  /// 1 or more where a domain holds one of the others, or another one of `staying` that stays.
  private mutating func near(_ key: DomainKey, _ others: [Int], _ staying: [Int]) -> Formulation.Sum {
    let domain = problem.partitions[key.partition].domain
    var near = Formulation.Sum()
    for other in others { near = near + count(other, in: key.domain, of: domain).sum }
    let (own, most) = count(key.workload, in: key.domain, of: domain)
    for other in staying {
      let stays = count(other, in: key.domain, of: domain, staying: true)
      if other != key.workload {
        near = near + stays.sum
      } else if stays.most > 0 && most > 1 {
        near = near + company(of: own, stays.sum)
      }
    }
    return near
  }

  /// 1 where there are two replicas or more, one of which stays.
  private mutating func company(of own: Formulation.Sum, _ stays: Formulation.Sum) -> Formulation.Sum {
    let column = formulation.addColumn(upper: 1, integer: true, follows: .greatest)
    let company = Formulation.Sum.column(column)
    formulation.addRow(own - 2 * company, atLeast: 0, defines: column)
    formulation.addRow(stays - company, atLeast: 0, defines: column)
    return company
  }

  /// For each domain 1 where no other holds replicas of any of the workloads, the first of which is who may be the first;
  /// 1 for one domain at most.
  private mutating func firsts(_ workloads: [Int], _ partition: Int) -> [Int32: Formulation.Sum] {
    let all = 0..<Int32(problem.partitions[partition].count)
    let domain = problem.partitions[partition].domain
    var firsts: [Int32: Formulation.Sum] = [:]
    for d in all where count(workloads[0], in: d, of: domain).most > 0 {
      firsts[d] = .column(formulation.addColumn(upper: 1, integer: true, follows: .least))
    }
    for v in workloads {
      for d in all {
        let (sum, most) = count(v, in: d, of: domain)
        let elsewhere = firsts.filter { $0.key != d }.sorted { $0.key < $1.key }
        guard most > 0, !elsewhere.isEmpty else { continue }
        formulation.addRow(sum + most * elsewhere.reduce(Formulation.Sum()) { $0 + $1.value }, atMost: most)
      }
    }
    return firsts
  }

  /// Where `w` is among the eligible domains, there are at most `maxSkew` members more than in the emptiest of them.
  private mutating func spread(
    _ w: Int, _ members: [Int], _ partition: Int, maxSkew: Double, minDomains: Int, base: [Int], eligible: [Int32],
    broken: [Bool]
  ) {
    let domain = problem.partitions[partition].domain
    let touched = Set(domains(partition))
    let totals = eligible.map { d in
      members.reduce((sum: Formulation.Sum(constant: Double(base[Int(d)])), most: Double(base[Int(d)]))) {
        let (sum, most) = count($1, in: d, of: domain)
        return ($0.sum + sum, $0.most + most)
      }
    }
    if totals.allSatisfy(\.sum.terms.isEmpty) && (rank[w] < 0 || touched.isDisjoint(with: eligible)) { return }

    var emptiest = Formulation.Sum()
    if eligible.count >= minDomains, let most = totals.map(\.most).min() {
      let column = formulation.addColumn(upper: most, follows: .greatest)
      emptiest = .column(column)
      for total in totals { formulation.addRow(total.sum - emptiest, atLeast: 0, defines: column) }
    }
    for (d, total) in zip(eligible, totals) {
      let (own, most) = count(w, in: d, of: domain)
      if most == 0 { continue }
      let key = DomainKey(workload: w, partition: partition, domain: d)
      let isBroken = !broken.isEmpty && broken[Int(d)]
      if own.terms.isEmpty && own.constant > 0 && !isBroken {
        formulation.addRow(total.sum - emptiest, atMost: maxSkew)
      } else {
        // total ≤ maxSkew + emptiest, unless the indicator is 0.
        let excess = max(0, total.most - maxSkew)
        if excess == 0 { continue }
        let indicator = isBroken ? starts(key) : indicator(key)
        if indicator.isZero { continue }
        formulation.addRow(total.sum - emptiest + excess * indicator, atMost: maxSkew + excess)
      }
    }
  }

  /// 1 where the domain holds a replica of the workload; where it holds none it may be either.
  private mutating func indicator(_ key: DomainKey) -> Formulation.Sum {
    let (count, most) = count(key.workload, in: key.domain, of: problem.partitions[key.partition].domain)
    if count.constant >= 1 { return .constant(1) }
    if most <= 1 { return count }
    if let known = indicators[key] { return known }
    let column = formulation.addColumn(upper: 1, integer: true, follows: .least)
    let sum = Formulation.Sum.column(column)
    formulation.addRow(count - most * sum, atMost: 0, defines: column)
    indicators[key] = sum
    return sum
  }

  /// 1 where a replica of the workload starts in the domain; where none does it may be either.
  private mutating func starts(_ key: DomainKey) -> Formulation.Sum {
    if let known = startIndicators[key] { return known }
    let domain = problem.partitions[key.partition].domain
    let w = key.workload
    var counts: [(sum: Formulation.Sum, most: Double, stay: Double)] = []
    for place in fixed[w] where domain[place.node] == key.domain {
      let count = Double(place.replicas)
      counts.append((.constant(count), count, Double(staying.count(w, on: place.node))))
    }
    for n in nodes where domain[n] == key.domain {
      guard let column = column(workload: w, node: n) else { continue }
      counts.append((.column(column), formulation.upper[column], Double(staying.count(w, on: n))))
    }
    let sum = starts(counts)
    startIndicators[key] = sum
    return sum
  }

  /// No replica starts on a node that is in no domain.
  private mutating func forbidOutside(_ w: Int, _ partition: Int) {
    for n in nodes where problem.partitions[partition].domain[n] < 0 {
      if let column = column(workload: w, node: n) {
        formulation.limit(column, to: Double(staying.count(w, on: n)))
      }
    }
  }

  /// The domains that have nodes which are planned anew.
  private func domains(_ partition: Int) -> [Int32] {
    Set(nodes.map { problem.partitions[partition].domain[$0] }).filter { $0 >= 0 }.sorted()
  }
}
