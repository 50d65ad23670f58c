/// What traffic costs where the worst of several matrices counts, kept for each matrix as replicas move.
///
/// A matrix's traffic is scaled as in ``Problem/Combination/worst``, so that the highest of the costs is the traffic term
/// of the objective.
struct MatrixCosts {
  private let count: Int
  /// The other ends of member `m`'s edges: `partner[first[m] ..< first[m + 1]]`.
  private let partner: [Int32]
  private let first: [Int]
  /// Scaled traffic of the same edges in each matrix: `traffic[i * count + matrix]`.
  private let traffic: [Double]
  /// What each matrix would cost if none of its traffic were local.
  private let remote: [Double]
  /// What each matrix costs, and what the steps since the last commit save of it.
  private var costs: [Double]
  private var saved: [Double]

  /// Answers nil where the sum over the edges says everything.
  init?(_ search: SearchProblem) {
    let problem = search.problem
    guard let scales = problem.worstScales else { return nil }
    var lists = [[(partner: Int32, edge: Int)]](repeating: [], count: search.members.count)
    let price = problem.weights.leavingNode + (search.hasZones ? problem.weights.leavingZone : 0)
    var remote = scales.map { _ in 0.0 }
    for (e, edge) in problem.edges.enumerated() {
      for (s, scale) in scales.enumerated() { remote[s] += price * scale.scale * edge.trafficByMatrix[scale.matrix] }
      let (u, v) = (search.memberOf[edge.u], search.memberOf[edge.v])
      guard u >= 0, v >= 0 else { continue }
      lists[u].append((Int32(truncatingIfNeeded: v), e))
      lists[v].append((Int32(truncatingIfNeeded: u), e))
    }
    var first = [0]
    for list in lists { first.append(first[first.count - 1] + list.count) }
    self.first = first
    partner = lists.flatMap { $0.map(\.partner) }
    traffic = lists.joined().flatMap { entry in
      scales.map { $0.scale * problem.edges[entry.edge].trafficByMatrix[$0.matrix] }
    }
    count = scales.count
    self.remote = remote
    costs = remote
    saved = scales.map { _ in 0 }
  }

  /// The cost of the worst.
  var cost: Double { costs.reduce(0, max) }

  /// By how much the steps since the last commit change the cost.
  var attemptedChange: Double {
    var after = 0.0
    for s in 0..<count { after = max(after, costs[s] - saved[s]) }
    return after - cost
  }

  /// Tries a step of a part of a member's replicas between two domains of a tier; `shares` says which part of a member's
  /// replicas they hold before.
  mutating func attempt(
    _ m: Int, _ moved: Double, price: Double, shares: (_ member: Int) -> (from: Double, to: Double)
  ) {
    let own = shares(m)
    for i in first[m]..<first[m + 1] {
      let (a, b) = shares(Int(partner[i]))
      guard a > 0 || b > 0 else { continue }
      let gain = min(own.from - moved, a) - min(own.from, a) + min(own.to + moved, b) - min(own.to, b)
      for s in 0..<count { saved[s] += price * gain * traffic[i * count + s] }
    }
  }

  mutating func commit() {
    for s in 0..<count {
      costs[s] -= saved[s]
      saved[s] = 0
    }
  }

  mutating func rollback() {
    for s in 0..<count { saved[s] = 0 }
  }

  /// Starts to count anew, with nothing local.
  mutating func reset() {
    costs = remote
    rollback()
  }

  /// Takes off what a member's edges to members after it have local in a domain; `share` says which part of a member's
  /// replicas it holds.
  mutating func addLocal(_ m: Int, price: Double, share: (_ member: Int) -> Double) {
    let own = share(m)
    for i in first[m]..<first[m + 1] where Int(partner[i]) > m {
      let local = min(own, share(Int(partner[i])))
      for s in 0..<count { costs[s] -= price * local * traffic[i * count + s] }
    }
  }
}
