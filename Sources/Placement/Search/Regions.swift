internal import Model

/// A division of the nodes, so that several searches of one placement can go on side by side.
///
/// A search moves replicas between nodes of its own region only. What several regions share, it takes for fixed: the
/// count of a zone, and whether a rule holds. Members that rules tie together therefore belong to one region at a time.
struct Regions: Sendable {
  let count: Int
  /// The region of each node.
  let regionOfNode: [UInt8]
  /// The region that may move a member; ``anyone`` for members without rules.
  let ownerOfMember: [UInt8]

  static let anyone = UInt8.max

  /// Divides the nodes at random into parts of the same size.
  ///
  /// - Parameter ties: for each member, which of the groups that rules tie together it is in; −1 for none.
  init(count: Int, nodes: Int, ties: [Int32], random: inout SeededGenerator) {
    self.count = count
    var region = [UInt8](repeating: 0, count: nodes)
    for n in 0..<nodes { region[n] = UInt8(n % count) }
    for n in stride(from: nodes - 1, to: 0, by: -1) { region.swapAt(n, random.below(n + 1)) }
    regionOfNode = region
    let turn = random.below(count)
    ownerOfMember = ties.map { $0 < 0 ? Self.anyone : UInt8((Int($0) + turn) % count) }
  }
}

extension SearchProblem {
  /// The groups of members that rules tie together, by member; −1 for members without rules.
  var ties: [Int32] {
    var root = Array(members.indices)
    func find(_ m: Int) -> Int {
      var m = m
      while root[m] != m {
        root[m] = root[root[m]]
        m = root[m]
      }
      return m
    }
    for rule in problem.rules {
      let tied = rule.workloads.map { memberOf[$0] }.filter { $0 >= 0 }
      for m in tied.dropFirst() { root[find(m)] = find(tied[0]) }
    }
    return members.indices.map { rulesOf[$0].isEmpty ? -1 : Int32(find($0)) }
  }
}
