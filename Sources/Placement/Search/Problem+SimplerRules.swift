extension Problem {
  /// The same problem with rules written as node limits where that says the same: limits cost nothing to check.
  ///
  /// - Nodes in no domain of a `together` or `spread` rule take no replica.
  /// - `atMost` over single nodes is a limit.
  /// - `spread` of one workload over more single nodes than it has replicas leaves some node empty, so that the skew is
  ///   a limit.
  func withSimplerRules() -> Problem {
    guard !rules.isEmpty else { return self }
    var simpler = self
    simpler.rules = []
    var rowOf = workloads.map { limitRows[$0.limitRow] }
    let isSingleNodes = partitions.map { partition in
      var size = [Int](repeating: 0, count: partition.count)
      for d in partition.domain where d >= 0 { size[Int(d)] += 1 }
      return size.allSatisfy { $0 <= 1 }
    }
    func lower(_ w: Int, _ limit: (_ domain: Int) -> Int, in p: Int) {
      for n in nodes.indices {
        let d = partitions[p].domain[n]
        if d >= 0 { rowOf[w][n] = min(rowOf[w][n], Int32(clamping: max(0, limit(Int(d))))) }
      }
    }
    func excludeOutside(_ w: Int, of p: Int) {
      for n in nodes.indices where partitions[p].domain[n] < 0 { rowOf[w][n] = 0 }
    }
    for rule in rules {
      switch rule {
      case .atMost(let w, let p, let count) where isSingleNodes[p]:
        lower(w, { _ in count }, in: p)
        continue
      case .together(let w, _, let p, _):
        excludeOutside(w, of: p)
      case .spread(let w, let members, let p, let maxSkew, let minDomains, let base, let eligible):
        excludeOutside(w, of: p)
        let eligibleCount = eligible.count { $0 }
        let emptiestIsZero =
          eligibleCount < minDomains
          || zip(base, eligible).count { $0 == 0 && $1 } > members.reduce(0) { $0 + workloads[$1].replicas }
        if isSingleNodes[p] && members == [w] && emptiestIsZero {
          lower(w, { eligible[$0] ? maxSkew - base[$0] : .max }, in: p)
          continue
        }
      default:
        break
      }
      simpler.rules.append(rule)
    }
    var index: [[Int32]: Int] = [:]
    simpler.limitRows = []
    for w in workloads.indices {
      if let known = index[rowOf[w]] {
        simpler.workloads[w].limitRow = known
      } else {
        index[rowOf[w]] = simpler.limitRows.count
        simpler.workloads[w].limitRow = simpler.limitRows.count
        simpler.limitRows.append(rowOf[w])
      }
    }
    return simpler
  }
}
