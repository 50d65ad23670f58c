import Model

/// One tier of a placement problem, seen as bins that are filled with patterns.
///
/// A bin is a node, or a whole zone. A pattern is what one bin holds: a count for each item, an item being a workload
/// that has traffic. A pattern gains `Σ_e gain_e · min(p[u]/R_u, p[v]/R_v)`: the traffic that stays in the bin. What a
/// placement localizes is the sum of its bins' gains, so a bound on the best patterns is a bound on all placements.
///
/// Workloads without traffic, where there are many, and rules between bins are left out, which only lets more placements
/// in. So are edges: a tier begins with a *core* of the heaviest ones, takes all of the others' traffic as localized,
/// and grows.
struct PatternTier {
  /// A traffic edge between two items.
  struct Edge {
    var u: Int
    var v: Int
    /// What the objective gains when all of the edge's traffic stays in its bin.
    var gain: Double
  }

  /// Bins that are alike.
  struct Group {
    /// Indices of the bins: nodes, or zones.
    var bins: [Int]
    /// What a bin can give in all, and what others use of it already, for each resource. Nodes that offer none of a
    /// resource are left out: they count for no utilization.
    var allocatable: [Int64]
    var reserved: [Int64]
    /// The most that a bin can be filled with: what it can give, or what fills it already and may stay.
    var most: [Int64]
    /// What may stay on nodes of the bin that offer none of a resource, at any utilization.
    var stranded: [Int64]
    /// The most replicas of each item that a bin may hold, whatever its capacity.
    var mostReplicas: [Int]
    /// What a bin can hold at the utilization in force, for each resource.
    var capacity: [Int64]
    /// The most replicas of each item that a bin can hold at the utilization in force.
    var limits: [Int]
  }

  /// The workload that each item is.
  var workloads: [Int] = []
  /// Replicas of each item.
  var replicas: [Int] = []
  /// What a replica requests: `requests[item * resourceCount + k]`.
  var requests: [Int64] = []
  /// How many resources there are.
  var resourceCount: Int
  var edges: [Edge] = []
  var groups: [Group] = []
  /// The item that a workload is.
  var itemOf: [Int: Int] = [:]
  /// The nodes of each bin.
  var nodesOf: [[Int]] = []
  /// What the objective gains for a unit of traffic that stays in its bin.
  var unitGain: Double
  /// How many of the problem's edges are in the core.
  var coreSize = 0
  /// Whether the core has all edges that it may have.
  var isComplete = true
  /// What the edges outside of the core gain at most.
  var outside = 0.0
  /// What traffic costs that leaves its bin whatever is done.
  var lost = 0.0
  /// Pairs of items that no bin may hold both of.
  var conflicts: [(Int, Int)] = []

  var itemCount: Int { workloads.count }
  /// The highest utilization that a bin can have.
  var highestUtilization: Double {
    groups.reduce(0) { highest, group in
      (0..<resourceCount).reduce(highest) { highest, k in
        group.allocatable[k] > 0 ? max(highest, Double(group.most[k]) / Double(group.allocatable[k])) : highest
      }
    }
  }
  var totalGain: Double { edges.reduce(0) { $0 + $1.gain } }

  /// What a pattern gains.
  func gain(_ counts: [Int32]) -> Double {
    var sum = 0.0
    for edge in edges where counts[edge.u] > 0 && counts[edge.v] > 0 {
      let u = Double(counts[edge.u]) / Double(replicas[edge.u])
      let v = Double(counts[edge.v]) / Double(replicas[edge.v])
      sum += edge.gain * min(u, v)
    }
    return sum
  }

  /// Limits what bins hold to a utilization.
  mutating func fill(upTo utilization: Double) {
    for g in groups.indices {
      groups[g].capacity = (0..<resourceCount).map { k in
        // Rounding may let in a little more than the utilization, never less.
        let level = (Double(groups[g].allocatable[k]) * utilization * (1 + 1e-12) + 1e-9).rounded(.down)
        let filled = level < Double(groups[g].most[k]) ? Int64(saturating: level) : groups[g].most[k]
        return max(0, filled - groups[g].reserved[k]) + groups[g].stranded[k]
      }
      groups[g].limits = workloads.indices.map { item in
        var limit = groups[g].mostReplicas[item]
        for k in 0..<resourceCount where requests[item * resourceCount + k] > 0 {
          limit = min(limit, Int(groups[g].capacity[k] / requests[item * resourceCount + k]))
        }
        return max(0, limit)
      }
    }
  }

  /// The tier with no requests of those resources that the bins of a group have enough of, whatever they hold.
  ///
  /// Where one resource alone is scarce, many more patterns compare. A pattern that fits by another resource uses no more
  /// of this one than a fractional knapsack does, filled with the items that use the most of it for each unit of the
  /// other.
  func withoutRequestsThatAlwaysFit(in group: Group) -> PatternTier {
    var result = self
    var isScarce = Array(repeating: true, count: resourceCount)
    func request(_ item: Int, _ k: Int) -> Double { Double(requests[item * resourceCount + k]) }
    for k in 0..<resourceCount {
      let held = workloads.indices.filter { group.limits[$0] > 0 && request($0, k) > 0 }
      for other in 0..<resourceCount where other != k && isScarce[other] {
        var room = Double(group.capacity[other])
        var used = 0.0
        // An item that requests nothing of the other resource comes first.
        for item in held.sorted(by: { request($0, k) * request($1, other) > request($1, k) * request($0, other) }) {
          let (own, each) = (request(item, k), request(item, other))
          let count = each > 0 ? min(Double(group.limits[item]), room / each) : Double(group.limits[item])
          used += count * own
          room -= count * each
        }
        if used * (1 + 1e-9) <= Double(group.capacity[k]) { isScarce[k] = false }
      }
      if !isScarce[k] { for item in workloads.indices { result.requests[item * resourceCount + k] = 0 } }
    }
    return result
  }
}
