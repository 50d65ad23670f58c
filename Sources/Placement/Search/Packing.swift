/// Places replicas one after the other into the room that nodes have left.
struct Packing {
  private let problem: Problem
  private let resourceCount: Int
  private var free: [Int64]
  private let inverseAllocatable: [Double]
  /// Of each resource, the most that any node can give.
  private let largestAllocatable: [Int64]
  /// Sparse counts of what is placed, `[workload][node]`.
  private var counts: [[Int: Int]]
  /// Replicas for which no node had room; they are on a node all the same, over its capacity.
  private(set) var misplaced = 0

  /// Starts with empty nodes.
  init(_ problem: Problem) {
    self.problem = problem
    resourceCount = problem.resources.count
    free = []
    for n in problem.nodes.indices {
      for k in problem.resources.indices { free.append(problem.capacity(node: n, resource: k)) }
    }
    inverseAllocatable = problem.allocatable.map { $0 > 0 ? 1 / Double($0) : 0 }
    largestAllocatable = problem.resources.indices.map { k in
      problem.nodes.indices.map { problem.allocatable[$0 * problem.resources.count + k] }.max() ?? 0
    }
    counts = Array(repeating: [:], count: problem.workloads.count)
  }

  /// The placement so far.
  var assignment: Assignment {
    Assignment(
      placed: counts.map { row in
        row.sorted { $0.key < $1.key }.map { Problem.Placed(node: $0.key, replicas: $0.value) }
      })
  }

  /// Whether all replicas of the given workloads are on some node.
  func isComplete(_ workloads: [Int]) -> Bool {
    workloads.allSatisfy { w in counts[w].values.reduce(0, +) == problem.workloads[w].replicas }
  }

  /// Puts replicas where they are known to go.
  mutating func put(_ w: Int, _ node: Int, _ replicas: Int) {
    counts[w][node, default: 0] += replicas
    for k in 0..<resourceCount {
      free[node * resourceCount + k] -= Int64(replicas) * problem.requests[w * resourceCount + k]
    }
  }

  /// Places all replicas of the given workloads that have none yet, those that are hardest to place first: few nodes,
  /// then large.
  mutating func pack(_ workloads: [Int]) {
    let allowed = problem.limitRows.map { row in row.count { $0 > 0 } }
    let size = workloads.reduce(into: [Int: Double]()) { $0[$1] = largestShare($1) }
    let hardestFirst = workloads.sorted { a, b in
      let (x, y) = (allowed[problem.workloads[a].limitRow], allowed[problem.workloads[b].limitRow])
      return x != y ? x < y : (size[a] ?? 0, b) > (size[b] ?? 0, a)
    }
    for w in hardestFirst { packRest(of: w, partners: []) }
  }

  /// Places workloads with traffic, the ends of heavy edges first, each replica where it keeps most traffic local.
  mutating func packByTraffic(_ workloads: [Int]) {
    var partners = [[(workload: Int, traffic: Double)]](repeating: [], count: problem.workloads.count)
    var order: [Int] = []
    var seen = Set<Int>()
    for edge in problem.edges.sorted(by: { $0.traffic > $1.traffic }) {
      partners[edge.u].append((edge.v, edge.traffic))
      partners[edge.v].append((edge.u, edge.traffic))
      for w in [edge.u, edge.v] where seen.insert(w).inserted { order.append(w) }
    }
    let wanted = Set(workloads)
    for w in order where wanted.contains(w) { packRest(of: w, partners: partners[w]) }
    pack(workloads.filter { !seen.contains($0) })
  }

  private mutating func packRest(of w: Int, partners: [(workload: Int, traffic: Double)]) {
    let replicas = problem.workloads[w].replicas
    var left = replicas - counts[w].values.reduce(0, +)
    while left > 0 {
      let node = bestByTraffic(w, partners) ?? bestByRoom(w)
      if let node {
        put(w, node, 1)
      } else if let node = leastOver(w) {
        put(w, node, 1)
        misplaced += 1
      } else {
        // No node may hold another one; the caller sees that replicas are missing.
        return
      }
      left -= 1
    }
  }

  private func bestByTraffic(_ w: Int, _ partners: [(workload: Int, traffic: Double)]) -> Int? {
    var saving: [Int: Double] = [:]
    let share = 1 / Double(problem.workloads[w].replicas)
    for partner in partners {
      let shareOfPartner = 1 / Double(problem.workloads[partner.workload].replicas)
      for (node, count) in counts[partner.workload] {
        let held = Double(counts[w][node] ?? 0)
        let there = Double(count) * shareOfPartner
        saving[node, default: 0] +=
          partner.traffic * (min((held + 1) * share, there) - min(held * share, there))
      }
    }
    return saving.filter { $0.value > 0 && allows(w, $0.key) && fits(w, $0.key) }
      .max { ($0.value, $1.key) < ($1.value, $0.key) }?.key
  }

  /// Of the nodes with room, the fullest after it; the emptiest where the peak utilization matters.
  private func bestByRoom(_ w: Int) -> Int? {
    var best: Int?
    var bestUse = 0.0
    let spreads = problem.weights.utilization > 0
    for n in problem.nodes.indices where allows(w, n) && fits(w, n) {
      let use = utilization(w, n)
      if best == nil || (spreads ? use < bestUse : use > bestUse) {
        best = n
        bestUse = use
      }
    }
    return best
  }

  private func leastOver(_ w: Int) -> Int? {
    problem.nodes.indices.filter { allows(w, $0) }.min { (utilization(w, $0), $0) < (utilization(w, $1), $1) }
  }

  private func allows(_ w: Int, _ n: Int) -> Bool {
    (counts[w][n] ?? 0) < Int(problem.limitRows[problem.workloads[w].limitRow][n])
  }

  private func fits(_ w: Int, _ n: Int) -> Bool {
    for k in 0..<resourceCount {
      let need = problem.requests[w * resourceCount + k]
      if need > 0 && free[n * resourceCount + k] < need { return false }
    }
    return true
  }

  /// Utilization of the node's fullest resource with one more replica.
  private func utilization(_ w: Int, _ n: Int) -> Double {
    var fullest = 0.0
    for k in 0..<resourceCount {
      let i = n * resourceCount + k
      fullest = max(
        fullest, 1 - Double(free[i] - problem.requests[w * resourceCount + k]) * inverseAllocatable[i])
    }
    return fullest
  }

  private func largestShare(_ w: Int) -> Double {
    var largest = 0.0
    for k in 0..<resourceCount where largestAllocatable[k] > 0 {
      largest = max(largest, Double(problem.requests[w * resourceCount + k]) / Double(largestAllocatable[k]))
    }
    return largest
  }
}
