import Foundation
import Model
import Placement

extension DefaultScheduler {
  /// The highest score that one plugin gives.
  static let highestScore = 100
  /// What a pod without requests counts as, in the problem's units (kube-scheduler's `GetNonzeroRequests`).
  private static let leastRequests: [String: Int64] = ["cpu": 100, "memory": 200 << 20]
  /// kube-scheduler's default spread constraints: at most so much skew between nodes, and between zones.
  private static let skews = (node: 3, zone: 5)
  private static let spreadWeight = 2

  /// How well nodes suit one more replica of a workload, in the order of the nodes: 0 to 400.
  package func scores(of w: Int, on nodes: [Int]) -> [Int] {
    let spread = spread(w, over: nodes)
    return nodes.indices.map { i in
      let shares = shares(with: w, on: nodes[i])
      return leastAllocated(shares) + balanced(shares) + Self.spreadWeight * spread[i]
    }
  }

  /// How full cpu and memory would be, from 0 to 1 and above.
  private func shares(with w: Int, on n: Int) -> [Double] {
    problem.resources.enumerated().compactMap { k, name in
      guard let least = Self.leastRequests[name] else { return nil }
      let i = n * problem.resources.count + k
      let request = problem.requests[w * problem.resources.count + k]
      guard problem.allocatable[i] > 0 else { return nil }
      return Double(load[i] + (request == 0 ? least : request)) / Double(problem.allocatable[i])
    }
  }

  /// `LeastAllocated`: the mean of what would be left of cpu and memory.
  private func leastAllocated(_ shares: [Double]) -> Int {
    guard !shares.isEmpty else { return 0 }
    return shares.reduce(0) { $0 + Int(saturating: Double(Self.highestScore) * max(0, 1 - $1)) } / shares.count
  }

  /// `NodeResourcesBalancedAllocation`: how alike cpu and memory would be used, by the standard deviation.
  private func balanced(_ shares: [Double]) -> Int {
    guard shares.count > 1 else { return Self.highestScore }
    let capped = shares.map { min(1, $0) }
    let mean = capped.reduce(0, +) / Double(capped.count)
    let variance = capped.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(capped.count)
    return Int(saturating: (1 - variance.squareRoot()) * Double(Self.highestScore))
  }

  /// `PodTopologySpread` with its default constraints: the fewer pods of the workload on the node and in the zone, the
  /// better. A pod with constraints of its own has none of the default ones.
  private func spread(_ w: Int, over nodes: [Int]) -> [Int] {
    let hasOwn = rulesOfWorkload[w].contains { rule in
      guard case .spread = rule else { return false }
      return true
    }
    guard !hasOwn else { return Array(repeating: Self.highestScore, count: nodes.count) }
    var inZone = Array(repeating: 0, count: problem.zones.count)
    for (n, count) in counts[w].enumerated() { inZone[problem.nodes[n].zone] += count }
    let zones = Set(nodes.map { problem.nodes[$0].zone })
    // The more domains there are, the more one pod in one of them counts.
    let weights = (node: log(Double(nodes.count + 2)), zone: log(Double(zones.count + 2)))
    let crowds = nodes.map { n in
      let node = Double(counts[w][n]) * weights.node + Double(Self.skews.node - 1)
      let zone = Double(inZone[problem.nodes[n].zone]) * weights.zone + Double(Self.skews.zone - 1)
      return Int(saturating: (node + zone).rounded())
    }
    guard let most = crowds.max(), let least = crowds.min() else { return [] }
    return crowds.map { Self.highestScore * (most + least - $0) / most }
  }
}
