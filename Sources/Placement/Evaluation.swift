/// The figures of one placement: the objective, term by term, and what a user asks of it.
public struct Evaluation: Hashable, Sendable {
  /// The value that is minimized.
  public var objective: Double
  /// `Σ_e t_e`, in the problem's traffic unit.
  public var totalTraffic: Double
  /// `localShare[e] = Σ_n min(x[u,n]/R_u, x[v,n]/R_v)` of each edge at node tier.
  public var localShareOfEdge: [Double]
  /// The same at zone tier.
  public var zoneShareOfEdge: [Double]
  /// Traffic-weighted mean of `localShareOfEdge`: the localized share at node tier. 1 where there is no traffic.
  public var localizedShareNode: Double
  /// Traffic-weighted mean at zone tier.
  public var localizedShareZone: Double
  /// `U`: the highest utilization of any resource on any node, pods outside the plan included.
  public var peakUtilization: Double
  /// Mean of the utilization of each node's fullest resource, over the nodes that have anything to give.
  public var meanUtilization: Double
  /// How many replicas run elsewhere than now.
  public var moves: Int
  /// The figures of each of the problem's traffic matrices, in their order.
  public var matrices: [Matrix] = []

  /// The figures of one traffic matrix.
  public struct Matrix: Hashable, Sendable {
    /// All its traffic, in the problem's traffic unit.
    public var totalTraffic: Double
    /// What the traffic that leaves nodes and zones costs, were the matrix alone.
    public var cost: Double
    /// The localized share at node tier. 1 where there is no traffic.
    public var localizedShareNode: Double
    /// The same at zone tier.
    public var localizedShareZone: Double
  }
}

extension Problem {
  /// Scores a placement from scratch. The source of the formulas is the ILP in ``Problem``.
  public func evaluate(_ assignment: Assignment) -> Evaluation {
    let nodeShare = localShares(assignment, domain: nil)
    let zoneShare =
      zones.count > 1 ? localShares(assignment, domain: nodes.map(\.zone)) : Array(repeating: 1, count: edges.count)
    let total = edges.reduce(0) { $0 + $1.traffic }
    var atNode = 0.0
    var atZone = 0.0
    for (e, edge) in edges.enumerated() {
      atNode += edge.traffic * nodeShare[e]
      atZone += edge.traffic * zoneShare[e]
    }
    let (peak, mean) = utilization(assignment)
    let moves = moves(assignment)
    let matrices = figuresOfMatrices(nodeShare, zoneShare)
    let traffic =
      worstCost(ofMatrices: matrices.map(\.cost))
      ?? weights.leavingNode * (total - atNode) + weights.leavingZone * (total - atZone)
    return Evaluation(
      objective: traffic + weights.utilization * peak + weights.move * Double(moves),
      totalTraffic: total,
      localShareOfEdge: nodeShare,
      zoneShareOfEdge: zoneShare,
      localizedShareNode: total > 0 ? atNode / total : 1,
      localizedShareZone: total > 0 ? atZone / total : 1,
      peakUtilization: peak,
      meanUtilization: mean,
      moves: moves,
      matrices: matrices
    )
  }

  private func figuresOfMatrices(_ nodeShare: [Double], _ zoneShare: [Double]) -> [Evaluation.Matrix] {
    matrices.indices.map { m in
      var (total, atNode, atZone) = (0.0, 0.0, 0.0)
      for (e, edge) in edges.enumerated() {
        let traffic = edge.trafficByMatrix[m]
        total += traffic
        atNode += traffic * nodeShare[e]
        atZone += traffic * zoneShare[e]
      }
      return Evaluation.Matrix(
        totalTraffic: total,
        cost: weights.leavingNode * (total - atNode) + weights.leavingZone * (total - atZone),
        localizedShareNode: total > 0 ? atNode / total : 1,
        localizedShareZone: total > 0 ? atZone / total : 1
      )
    }
  }

  /// `Σ_d min(x[u,d]/R_u, x[v,d]/R_v)` for each edge; `domain` maps nodes to domains, nil means each node is its own.
  private func localShares(_ assignment: Assignment, domain: [Int]?) -> [Double] {
    // Sorted by domain, so that two workloads are compared in one walk along both.
    let placesOf = assignment.placed.map { placed in
      let places = placed.map { Placed(node: domain?[$0.node] ?? $0.node, replicas: $0.replicas) }
      return zip(places, places.dropFirst()).allSatisfy { $0.node < $1.node } ? places : Self.merged(places)
    }
    return edges.map { edge in
      let (a, b) = (placesOf[edge.u], placesOf[edge.v])
      let (ru, rv) = (Double(workloads[edge.u].replicas), Double(workloads[edge.v].replicas))
      var share = 0.0
      var (i, j) = (0, 0)
      while i < a.count && j < b.count {
        if a[i].node == b[j].node {
          share += min(Double(a[i].replicas) / ru, Double(b[j].replicas) / rv)
          i += 1
          j += 1
        } else if a[i].node < b[j].node {
          i += 1
        } else {
          j += 1
        }
      }
      return share
    }
  }

  /// The replicas of each domain, sorted by domain.
  private static func merged(_ places: [Placed]) -> [Placed] {
    var merged: [Placed] = []
    for place in places.sorted(by: { $0.node < $1.node }) {
      if merged.last?.node == place.node {
        merged[merged.count - 1].replicas += place.replicas
      } else {
        merged.append(place)
      }
    }
    return merged
  }

  /// Replicas and reserved amounts on each node: `load[n * resources.count + k]`.
  public func load(_ assignment: Assignment) -> [Int64] {
    var load = reserved
    for (w, placed) in assignment.placed.enumerated() {
      for place in placed {
        for k in resources.indices {
          load[place.node * resources.count + k] += Int64(place.replicas) * requests[w * resources.count + k]
        }
      }
    }
    return load
  }

  private func utilization(_ assignment: Assignment) -> (peak: Double, mean: Double) {
    let load = load(assignment)
    var peak = 0.0
    var sum = 0.0
    var counted = 0
    for n in nodes.indices {
      var fullest = 0.0
      var hasAny = false
      for k in resources.indices {
        let i = n * resources.count + k
        guard allocatable[i] > 0 else { continue }
        hasAny = true
        fullest = max(fullest, Double(load[i]) / Double(allocatable[i]))
      }
      if hasAny { counted += 1 }
      peak = max(peak, fullest)
      sum += fullest
    }
    return (peak, sum / Double(max(1, counted)))
  }

  /// How many replicas run elsewhere than now: those that leave a node, less those that go away because the workload
  /// shrinks. A workload that does not run yet moves nothing.
  public func moves(_ assignment: Assignment) -> Int {
    var moves = 0
    for (w, now) in current.enumerated() {
      guard let now else { continue }
      var left = 0
      var running = 0
      for place in now {
        let stays = assignment.placed[w].first { $0.node == place.node }?.replicas ?? 0
        left += max(0, place.replicas - stays)
        running += place.replicas
      }
      moves += max(0, left - max(0, running - workloads[w].replicas))
    }
    return moves
  }
}
