extension PlacementModel {
  /// A workload in a domain of a partition.
  struct DomainKey: Hashable {
    var workload: Int
    var partition: Int
    var domain: Int32
  }

  /// Adds the rows of a rule. A domain that no replica enters or leaves adds nothing.
  mutating func add(_ rule: Problem.Rule) {
    switch rule {
    case .atMost(let w, let partition, let most):
      for d in domains(partition) {
        let (count, greatest) = count(w, in: d, of: problem.partitions[partition].domain)
        if greatest > Double(most) { formulation.addRow(count, atMost: Double(most)) }
      }
    case .apart(let w, let other, let partition):
      for d in domains(partition) { keepApart(w, other, DomainKey(workload: w, partition: partition, domain: d)) }
    case .together(let w, let others, let partition, let present):
      forbidOutside(w, partition)
      for d in domains(partition) where !present[Int(d)] && !others.contains(w) {
        keepTogether(w, others, d, problem.partitions[partition].domain)
      }
    case .spread(let w, let members, let partition, let maxSkew, let minDomains, let base, let eligible):
      forbidOutside(w, partition)
      spread(
        w, members, partition, maxSkew: Double(maxSkew), minDomains: minDomains, base: base,
        eligible: (0..<Int32(problem.partitions[partition].count)).filter { eligible[Int($0)] })
    }
  }

  /// Where one of the two is, the other cannot be.
  private mutating func keepApart(_ w: Int, _ other: Int, _ key: DomainKey) {
    let domain = problem.partitions[key.partition].domain
    let (countW, mostW) = count(w, in: key.domain, of: domain)
    let (countO, mostO) = count(other, in: key.domain, of: domain)
    if mostW == 0 || mostO == 0 || (countW.terms.isEmpty && countO.terms.isEmpty) { return }
    // An indicator is not needed where one of them is one already.
    if mostO == 1 {
      formulation.addRow(countW + mostW * countO, atMost: mostW)
    } else {
      formulation.addRow(countO + mostO * indicator(key), atMost: mostO)
    }
  }

  /// Where `w` is, one of the others is too.
  private mutating func keepTogether(_ w: Int, _ others: [Int], _ d: Int32, _ domain: [Int32]) {
    let (own, most) = count(w, in: d, of: domain)
    if most == 0 { return }
    var there = Formulation.Sum()
    for other in others { there = there + count(other, in: d, of: domain).sum }
    if there.constant >= 1 || (own.terms.isEmpty && there.terms.isEmpty) { return }
    formulation.addRow(own - most * there, atMost: 0)
  }

  /// Where `w` is among the eligible domains, there are at most `maxSkew` members more than in the emptiest of them.
  private mutating func spread(
    _ w: Int, _ members: [Int], _ partition: Int, maxSkew: Double, minDomains: Int, base: [Int], eligible: [Int32]
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
      if own.terms.isEmpty && own.constant > 0 {
        formulation.addRow(total.sum - emptiest, atMost: maxSkew)
      } else {
        // total ≤ maxSkew + emptiest, unless the indicator is 0.
        let excess = max(0, total.most - maxSkew)
        if excess == 0 { continue }
        let key = DomainKey(workload: w, partition: partition, domain: d)
        formulation.addRow(total.sum - emptiest + excess * indicator(key), atMost: maxSkew + excess)
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

  /// No replica on a node that is in no domain.
  private mutating func forbidOutside(_ w: Int, _ partition: Int) {
    for n in nodes where problem.partitions[partition].domain[n] < 0 {
      if let column = column(workload: w, node: n) { formulation.limit(column, to: 0) }
    }
  }

  /// The domains that have nodes which are planned anew.
  private func domains(_ partition: Int) -> [Int32] {
    Set(nodes.map { problem.partitions[partition].domain[$0] }).filter { $0 >= 0 }.sorted()
  }
}
