internal import Model

/// Places replicas one after the other into the room that nodes have left.
struct Packing {
  private let problem: Problem
  private let resourceCount: Int
  private var free: [Int64]
  private let inverseAllocatable: [Double]
  private let fullUtilization: [Double]
  /// Of each resource, the most that any node can give.
  private let largestAllocatable: [Int64]
  /// Sparse counts of what is placed, `[workload][node]`.
  private var counts: [[Int: Int]]
  /// Counts of the workload that is being placed, by node.
  private var held: [Int32]
  private let spreads: Bool
  private var random = SeededGenerator(seed: 1)
  private static let sample = 128
  /// Replicas for which no node had room; they are on a node all the same, over its capacity.
  private(set) var misplaced = 0
  /// Whether rules speak of the workload that is being placed.
  private var isBound = false

  /// The rules, where they are to be kept.
  private var rules: RuleCounts?
  private let stop: StopCheck
  /// About what placing a replica costs, beside looking at nodes.
  private static let price = 8

  /// Starts with empty nodes.
  ///
  /// - Parameters:
  ///   - keepsRules: whether to keep rules as far as it goes; if not, they are not looked at.
  ///   - stop: ends the packing, which is then not complete.
  init(_ problem: Problem, keepsRules: Bool = false, stop: StopCheck = StopCheck()) {
    self.problem = problem
    self.stop = stop
    rules = keepsRules && !problem.rules.isEmpty ? RuleCounts(SearchProblem(problem, packsFillers: false)) : nil
    resourceCount = problem.resources.count
    held = Array(repeating: 0, count: problem.nodes.count)
    spreads = problem.weights.utilization > 0
    free = []
    for n in problem.nodes.indices {
      for k in problem.resources.indices { free.append(problem.capacity(node: n, resource: k)) }
    }
    inverseAllocatable = problem.allocatable.map { $0 > 0 ? 1 / Double($0) : 0 }
    fullUtilization = problem.fullUtilizations
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
    let held = counts[w][node, default: 0]
    counts[w][node] = held + replicas
    rules?.add(workload: w, node: node, replicas: replicas, to: held)
    for k in 0..<resourceCount {
      free[node * resourceCount + k] -= Int64(replicas) * problem.requests[w * resourceCount + k]
    }
  }

  /// How many more replicas of a workload a node has room for, by capacity.
  func room(for w: Int, on node: Int) -> Int {
    var room = Int64.max
    for k in 0..<resourceCount where problem.requests[w * resourceCount + k] > 0 {
      room = min(room, max(0, free[node * resourceCount + k]) / problem.requests[w * resourceCount + k])
    }
    return Int(clamping: room)
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
    for (node, count) in counts[w] { held[node] = Int32(count) }
    defer { for node in counts[w].keys { held[node] = 0 } }
    let near = nodesOfPartners(partners)
    var last: Int?
    isBound = rules?.mindsWorkload(w) ?? false
    for _ in 0..<replicas - counts[w].values.reduce(0, +) {
      if stop.spend(Self.price + near.count + (spreads ? problem.nodes.count : 0)) { return }
      let node: Int
      if let best = bestByTraffic(w, near) {
        node = best
      } else if let last, !spreads, fits(w, last), allows(w, last) {
        // The fullest node that fits stays the fullest.
        node = last
      } else if let best = bestByRoom(w) {
        node = best
        last = best
      } else if let free = ignoringRules({ $0.bestByRoom(w) }) {
        // Another start may keep the rules; this one leaves that to the repair.
        node = free
      } else if let over = leastOver(w) {
        node = over
        misplaced += 1
      } else {
        // No node may hold another one; the caller sees that replicas are missing.
        return
      }
      put(w, node, 1)
      held[node] += 1
    }
  }

  /// For each node with replicas of partners, what share of a partner is there and how much traffic it has.
  private func nodesOfPartners(
    _ partners: [(workload: Int, traffic: Double)]
  ) -> [(node: Int, shares: [(share: Double, traffic: Double)])] {
    var near: [Int: [(share: Double, traffic: Double)]] = [:]
    for partner in partners {
      let share = 1 / Double(problem.workloads[partner.workload].replicas)
      for (node, count) in counts[partner.workload] {
        near[node, default: []].append((Double(count) * share, partner.traffic))
      }
    }
    return near.sorted { $0.key < $1.key }.map { ($0.key, $0.value.sorted { $0 < $1 }) }
  }

  private mutating func bestByTraffic(
    _ w: Int, _ near: [(node: Int, shares: [(share: Double, traffic: Double)])]
  ) -> Int? {
    var best: (node: Int, saving: Double)?
    let share = 1 / Double(problem.workloads[w].replicas)
    for (node, partners) in near where fits(w, node) && allows(w, node) {
      let (before, after) = (Double(held[node]) * share, Double(held[node] + 1) * share)
      let saving = partners.reduce(0) { $0 + $1.traffic * (min(after, $1.share) - min(before, $1.share)) }
      if saving > best?.saving ?? 0 { best = (node, saving) }
    }
    return best?.node
  }

  /// Of the nodes with room, the fullest after it; the emptiest where the peak utilization matters. Where there are very
  /// many nodes, of a random sample that has one with room.
  private mutating func bestByRoom(_ w: Int) -> Int? {
    let nodeCount = problem.nodes.count
    if nodeCount > 4 * Self.sample {
      let sample = (0..<Self.sample).map { _ in random.below(nodeCount) }
      if let best = best(w, among: sample) { return best }
    }
    return best(w, among: 0..<nodeCount)
  }

  private mutating func best(_ w: Int, among nodes: some Sequence<Int>) -> Int? {
    var best: Int?
    var bestUse = 0.0
    for n in nodes where fits(w, n) && allows(w, n) {
      let use = utilization(w, n)
      if best == nil || (spreads ? use < bestUse : use > bestUse) {
        best = n
        bestUse = use
      }
    }
    return best
  }

  private func leastOver(_ w: Int) -> Int? {
    let limits = problem.limitRows[problem.workloads[w].limitRow]
    // A node that offers none of what a replica requests is the last to take it.
    func use(_ n: Int) -> Double { offers(n, w) ? utilization(w, n) : .infinity }
    return problem.nodes.indices.filter { held[$0] < limits[$0] }.map { (use: use($0), node: $0) }.min { $0 < $1 }?.node
  }

  private mutating func ignoringRules(_ look: (inout Packing) -> Int?) -> Int? {
    guard isBound else { return nil }
    isBound = false
    defer { isBound = true }
    return look(&self)
  }

  private mutating func allows(_ w: Int, _ n: Int) -> Bool {
    guard held[n] < problem.limitRows[problem.workloads[w].limitRow][n] else { return false }
    return !isBound || rules?.admits(workload: w, node: n, beside: Int(held[n])) ?? true
  }

  private func fits(_ w: Int, _ n: Int) -> Bool {
    for k in 0..<resourceCount {
      let need = problem.requests[w * resourceCount + k]
      if need > 0 && free[n * resourceCount + k] < need { return false }
    }
    return true
  }

  /// Whether a node offers all resources that a workload requests.
  private func offers(_ n: Int, _ w: Int) -> Bool {
    (0..<resourceCount).allSatisfy {
      problem.requests[w * resourceCount + $0] == 0 || problem.allocatable[n * resourceCount + $0] > 0
    }
  }

  /// Utilization of the node's fullest resource with one more replica.
  private func utilization(_ w: Int, _ n: Int) -> Double {
    var fullest = 0.0
    for k in 0..<resourceCount {
      let i = n * resourceCount + k
      fullest = max(
        fullest,
        fullUtilization[i] - Double(free[i] - problem.requests[w * resourceCount + k]) * inverseAllocatable[i])
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
