import Placement

/// Finds out why traffic crosses nodes in a placement.
///
/// First it looks at the pair alone: can the two workloads be together at all, on empty nodes? Where they can, the rest
/// of the placement is the reason, and a trial finds it: each of the two is moved to where the other runs.
struct CrossingAnalysis {
  let problem: Problem
  let units: [ResourceUnit]
  let names: WorkloadLabels
  let placement: PlacementTrial
  private let atMost: [Int: [(partition: Int, count: Int)]]
  private let apart: [Pair: [Int]]
  private let spread: [Int: Int]

  private struct Pair: Hashable {
    var low: Int
    var high: Int

    init(_ a: Int, _ b: Int) {
      low = min(a, b)
      high = max(a, b)
    }
  }

  init(_ report: PlanReport) {
    problem = report.problem
    units = report.resourceUnits
    names = report.names
    placement = PlacementTrial(report)
    var atMost: [Int: [(partition: Int, count: Int)]] = [:]
    var apart: [Pair: [Int]] = [:]
    var spread: [Int: Int] = [:]
    for rule in report.problem.rules {
      switch rule {
      case .atMost(let w, let partition, let count): atMost[w, default: []].append((partition, count))
      case .apart(let w, let other, let partition): apart[Pair(w, other), default: []].append(partition)
      case .spread(let w, let members, _, let maxSkew, let minDomains, _, let eligible):
        let domains = eligible.reduce(0) { $0 + ($1 ? 1 : 0) }
        if members.contains(w), max(domains, minDomains) > 1 { spread[w] = min(spread[w] ?? .max, maxSkew) }
      case .together: break
      }
    }
    self.atMost = atMost
    self.apart = apart
    self.spread = spread
  }

  /// Answers why a share of an edge is not local; nil where all of it is.
  func reason(edge e: Int) -> CrossingReason? {
    guard placement.evaluation.localShareOfEdge[e] < 1 - 1e-9 else { return nil }
    let (u, v) = (problem.edges[e].u, problem.edges[e].v)
    return reasonAlone(u, v) ?? placement.reason(edge: e, names, units)
  }

  /// Why the two could not all be together even if they had the nodes to themselves; nil where they could.
  private func reasonAlone(_ u: Int, _ v: Int) -> CrossingReason? {
    let allowed = problem.nodes.indices.filter {
      problem.limit(workload: u, node: $0) > 0 && problem.limit(workload: v, node: $0) > 0
    }
    guard !allowed.isEmpty else {
      return CrossingReason(kind: .disjointNodes, text: "may not run on the same nodes")
    }
    let partitions = apart[Pair(u, v)] ?? []
    let shared = allowed.filter { n in partitions.allSatisfy { problem.partitions[$0].domain[n] < 0 } }
    guard !shared.isEmpty else {
      return CrossingReason(kind: .antiAffinity, text: "anti-affinity keeps them apart")
    }
    guard shared.contains(where: { pairs(u, 1, v, 1, on: $0) > 0 }) else {
      return CrossingReason(kind: .tooLarge, text: "together they need " + shortage(u, 1, v, 1, shared))
    }
    let (ru, rv) = (problem.workloads[u].replicas, problem.workloads[v].replicas)
    let parts = greatestCommonDivisor(ru, rv)
    let (pu, pv) = (ru / parts, rv / parts)
    var room = 0
    for n in shared where room < parts { room += pairs(u, pu, v, pv, on: n) }
    if room >= parts, parts > 1 || mustSpread(u, v) == nil { return nil }
    if parts == 1 {
      let obstacle =
        mustSpread(u, v).map { "\(names[$0]) must spread over nodes" }
        ?? replicaLimit(u, v, shared)
        ?? "all on one node need " + shortage(u, ru, v, rv, shared)
      return CrossingReason(kind: .unevenReplicas, text: "replicas \(ru):\(rv) do not split evenly, and \(obstacle)")
    }
    let ratio = pu == 1 && pv == 1 ? "pairs" : "groups of \(pu):\(pv)"
    return CrossingReason(
      kind: .fewPairs,
      text: room == 0
        ? "in \(ratio) they need " + shortage(u, pu, v, pv, shared)
        : "nodes have room for \(room) of their \(parts) \(ratio)"
    )
  }

  /// How many groups of `a` replicas of `u` with `b` of `v` an empty node can hold.
  private func pairs(_ u: Int, _ a: Int, _ v: Int, _ b: Int, on n: Int) -> Int {
    var count = min(most(u, on: n) / a, most(v, on: n) / b)
    for k in problem.resources.indices {
      let need = total(u, a, v, b, k)
      if need > 0 { count = min(count, Int(clamping: problem.capacity(node: n, resource: k) / need)) }
    }
    return count
  }

  /// How many replicas a node may hold by limits and rules of the workload alone.
  private func most(_ w: Int, on n: Int) -> Int {
    var most = problem.limit(workload: w, node: n)
    for (partition, count) in atMost[w] ?? [] where problem.partitions[partition].domain[n] >= 0 {
      most = min(most, count)
    }
    return most
  }

  private func total(_ u: Int, _ a: Int, _ v: Int, _ b: Int, _ k: Int) -> Int64 {
    Int64(a) * problem.requests[u * problem.resources.count + k]
      + Int64(b) * problem.requests[v * problem.resources.count + k]
  }

  /// "14 cpu, the largest node has 8": the resource that is short on every node, or else that there is no such.
  private func shortage(_ u: Int, _ a: Int, _ v: Int, _ b: Int, _ nodes: [Int]) -> String {
    for (k, resource) in problem.resources.enumerated() {
      let need = total(u, a, v, b, k)
      guard let most = nodes.map({ problem.capacity(node: $0, resource: k) }).max(), need > most else { continue }
      return "\(units[k].describe(need, of: resource)), the roomiest node has \(units[k].describe(most))"
    }
    let needs = problem.resources.indices.filter { total(u, a, v, b, $0) > 0 }.map { k in
      units[k].describe(total(u, a, v, b, k), of: problem.resources[k])
    }
    return needs.joined(separator: " and ") + ", more than any one node has"
  }

  /// A workload of the two that a spread keeps from being on one node in full.
  private func mustSpread(_ u: Int, _ v: Int) -> Int? {
    [u, v].first { w in spread[w].map { problem.workloads[w].replicas > $0 } ?? false }
  }

  /// "at most 1 cart may run on a node", where limits rather than capacities keep either from being on one node.
  private func replicaLimit(_ u: Int, _ v: Int, _ nodes: [Int]) -> String? {
    for w in [u, v] {
      let most = nodes.map { self.most(w, on: $0) }.max() ?? 0
      if most < problem.workloads[w].replicas { return "a node may run at most \(most) of \(names[w])" }
    }
    return nil
  }

  private func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int { b == 0 ? max(a, 1) : greatestCommonDivisor(b, a % b) }
}
