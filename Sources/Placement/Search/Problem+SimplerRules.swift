extension Problem {
  /// The same problem with rules written as node limits where that says the same: limits cost nothing to check.
  ///
  /// - What runs and may stay raises the limit of its node.
  /// - Nodes in no domain of a `together` or `spread` rule take no replica.
  /// - `atMost` over single nodes is a limit.
  /// - `spread` of one workload over more single nodes than it has replicas leaves some node empty, so that the skew is
  ///   a limit; unless a node holds more replicas now and does not break the rule, because others that go kept it:
  ///   limits would let these stay.
  func withSimplerRules() -> Problem {
    let staying = Staying(self)
    var rowOf = workloads.map { limitRows[$0.limitRow] }
    var raised = false
    for (w, places) in staying.placed.enumerated() {
      for place in places where Int(rowOf[w][place.node]) < min(place.replicas, workloads[w].replicas) {
        rowOf[w][place.node] = Int32(clamping: place.replicas)
        raised = true
      }
    }
    guard raised || !rules.isEmpty else { return self }
    var simpler = self
    simpler.rules = []
    let isSingleNodes = partitions.map { partition in
      var size = [Int](repeating: 0, count: partition.count)
      for d in partition.domain where d >= 0 { size[Int(d)] += 1 }
      return size.allSatisfy { $0 <= 1 }
    }
    func lower(_ w: Int, _ limit: (_ domain: Int) -> Int, in p: Int) {
      for n in nodes.indices {
        let d = partitions[p].domain[n]
        if d >= 0 { rowOf[w][n] = min(rowOf[w][n], Int32(clamping: max(0, limit(Int(d)), staying.count(w, on: n)))) }
      }
    }
    func excludeOutside(_ w: Int, of p: Int) {
      for n in nodes.indices where partitions[p].domain[n] < 0 {
        rowOf[w][n] = min(rowOf[w][n], Int32(clamping: staying.count(w, on: n)))
      }
    }
    for (index, rule) in rules.enumerated() {
      switch rule {
      case .atMost(let w, let p, let count) where isSingleNodes[p]:
        lower(w, { _ in count }, in: p)
        continue
      case .together(let w, _, _, let p, _, _):
        excludeOutside(w, of: p)
      case .spread(let w, let members, let p, let maxSkew, let minDomains, let base, let eligible):
        excludeOutside(w, of: p)
        let eligibleCount = eligible.count { $0 }
        let emptiestIsZero =
          eligibleCount < minDomains
          || zip(base, eligible).count { $0 == 0 && $1 } > members.reduce(0) { $0 + workloads[$1].replicas }
        let broken = staying.broken[index]
        let isLimit = staying.placed[w].allSatisfy { place in
          let d = Int(partitions[p].domain[place.node])
          return d < 0 || !eligible[d] || place.replicas <= maxSkew - base[d] || (!broken.isEmpty && broken[d])
        }
        if isSingleNodes[p] && members == [w] && emptiestIsZero && isLimit {
          lower(w, { eligible[$0] ? maxSkew - base[$0] : .max }, in: p)
          continue
        }
      default:
        break
      }
      simpler.rules.append(rule)
    }
    let shared = rowOf.distinct()
    simpler.limitRows = shared.rows
    for w in workloads.indices { simpler.workloads[w].limitRow = shared.index[w] }
    return simpler
  }
}

extension [[Int32]] {
  /// Each row once, and which of them each of the given rows is.
  ///
  /// Rows that are copies of each other without a change share their memory, and are not compared.
  package func distinct() -> (rows: [[Int32]], index: [Int]) {
    var ofMemory: [UnsafePointer<Int32>: Int] = [:]
    var ofContent: [[Int32]: Int] = [:]
    var rows: [[Int32]] = []
    let index = map { row in
      // Only the address counts; the rows live as long as the array.
      let memory = row.withUnsafeBufferPointer(\.baseAddress)
      if let memory, let known = ofMemory[memory] { return known }
      let number = ofContent[row] ?? rows.count
      if number == rows.count { rows.append(row) }
      ofContent[row] = number
      if let memory { ofMemory[memory] = number }
      return number
    }
    return (rows, index)
  }
}
