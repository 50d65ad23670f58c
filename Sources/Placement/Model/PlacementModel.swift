/// The ILP of ``Problem``, written down for GLPK: the whole of it, or only what a few nodes hold now, everything else
/// staying where it is.
///
///     x[w,n]   integer    replicas of workload w on node n
///     z[e,n]   ≥ 0        share of edge e that stays on node n:     R_u·z ≤ x[u,n],  R_v·z ≤ x[v,n]
///     z[e,d]   ≥ 0        the same for a zone d, where zones count
///     U        ≥ 0        peak utilization, where it costs
///     left     ≥ 0        replicas that leave a node where they run now, where moves cost or are limited
///     W        ≥ 0        cost of the worst of several traffic matrices, where that counts, see ``WorstMatrix``
///
/// and an indicator `b[w,d]`, 1 where domain `d` holds a replica of `w`, where a rule needs one. Nodes that are alike are
/// put in an order, see ``NodeOrder``.
struct PlacementModel {
  let problem: Problem
  /// The nodes that are planned anew.
  let nodes: [Int]
  /// The workloads with replicas to place on ``nodes``.
  let workloads: [Int]
  /// How many replicas of each of ``workloads`` are to be placed on ``nodes``.
  let replicas: [Int]
  /// Where replicas are that stay; empty for each workload where the whole problem is planned.
  let fixed: [[Problem.Placed]]

  /// Index of each of the problem's workloads in ``workloads``, −1 for none.
  let rank: [Int]
  /// Index of each of the problem's nodes in ``nodes``, −1 for none.
  let place: [Int]
  /// `x[w,n]` by rank and place; −1 where the workload cannot have a replica on the node.
  private(set) var columns: [Int] = []
  var formulation = Formulation()
  /// The order of like nodes.
  private(set) var order = NodeOrder()
  /// How GLPK searches.
  var search = LinearProgram.IntegerOptions()
  /// Indicators made so far: that a domain holds a replica, and that one starts there.
  var indicators: [DomainKey: Formulation.Sum] = [:]
  var startIndicators: [DomainKey: Formulation.Sum] = [:]
  /// What runs now and may stay.
  let staying: Staying

  /// The model of the whole problem.
  ///
  /// - Parameter optional: workloads that may also have fewer replicas than they should.
  init(_ problem: Problem, optional: Set<Int> = []) {
    self.init(
      problem, nodes: Array(problem.nodes.indices), fixed: problem.workloads.map { _ in [] },
      replicas: problem.workloads.map(\.replicas), optional: optional)
  }

  /// The model of what `nodes` hold in `assignment`, everything on other nodes staying as it is.
  init(_ problem: Problem, nodes: [Int], of assignment: Assignment) {
    var isFree = Array(repeating: false, count: problem.nodes.count)
    for n in nodes { isFree[n] = true }
    var fixed = assignment.placed
    var replicas = Array(repeating: 0, count: problem.workloads.count)
    for (w, placed) in assignment.placed.enumerated() {
      for place in placed where isFree[place.node] { replicas[w] += place.replicas }
      if replicas[w] > 0 { fixed[w] = placed.filter { !isFree[$0.node] } }
    }
    self.init(problem, nodes: nodes, fixed: fixed, replicas: replicas)
  }

  private init(
    _ problem: Problem, nodes: [Int], fixed: [[Problem.Placed]], replicas: [Int], optional: Set<Int> = []
  ) {
    self.problem = problem
    staying = Staying(problem)
    self.nodes = nodes
    self.fixed = fixed
    workloads = problem.workloads.indices.filter { replicas[$0] > 0 }
    self.replicas = workloads.map { replicas[$0] }
    var rank = Array(repeating: -1, count: problem.workloads.count)
    for (i, w) in workloads.enumerated() { rank[w] = i }
    self.rank = rank
    var place = Array(repeating: -1, count: problem.nodes.count)
    for (i, n) in nodes.enumerated() { place[n] = i }
    self.place = place
    addReplicas(optional)
    addCapacities()
    addTraffic()
    addPeak()
    addMoves()
    for (index, rule) in problem.rules.enumerated() { add(rule, broken: staying.broken[index]) }
    order = NodeOrder(self)
    order.constrain(&self)
  }

  /// The column of `x[w,n]` by the problem's indices, nil where there is none.
  func column(workload w: Int, node n: Int) -> Int? {
    guard rank[w] >= 0, place[n] >= 0 else { return nil }
    let column = columns[rank[w] * nodes.count + place[n]]
    return column >= 0 ? column : nil
  }

  /// Every replica placed, within limits; no column where there is no room for a replica and none stays.
  private mutating func addReplicas(_ optional: Set<Int>) {
    let resources = problem.resources.count
    columns = Array(repeating: -1, count: workloads.count * nodes.count)
    for (i, w) in workloads.enumerated() {
      var all = Formulation.Sum()
      for (j, n) in nodes.enumerated() {
        var most = min(replicas[i], problem.limit(workload: w, node: n))
        for k in 0..<resources {
          let request = problem.requests[w * resources + k]
          if request > 0 { most = min(most, Int(clamping: problem.capacity(node: n, resource: k) / request)) }
        }
        most = max(most, min(replicas[i], staying.count(w, on: n)))
        guard most > 0 else { continue }
        let column = formulation.addColumn(upper: Double(most), integer: true)
        columns[i * nodes.count + j] = column
        all.terms.append((column, 1))
      }
      formulation.addRow(all, atLeast: optional.contains(w) ? 0 : Double(replicas[i]), atMost: Double(replicas[i]))
    }
  }

  /// What replicas request on each node, as parts of what the node has: bytes would be off any scale. Capacities are
  /// first rounded down to a whole number of the requests' greatest common divisor.
  private mutating func addCapacities() {
    let resources = problem.resources.count
    for k in 0..<resources {
      let unit = workloads.reduce(Int64(0)) { greatestCommonDivisor($0, problem.requests[$1 * resources + k]) }
      guard unit > 0 else { continue }
      for n in nodes {
        let capacity = problem.capacity(node: n, resource: k) / unit
        var held: [(column: Int, request: Int64, stay: Int64)] = []
        for w in workloads {
          let request = problem.requests[w * resources + k] / unit
          if request > 0, let column = column(workload: w, node: n) {
            held.append((column, request, Int64(staying.count(w, on: n))))
          }
        }
        let most = held.reduce(0.0) { $0 + Double($1.request) * formulation.upper[$1.column] }
        guard most > Double(capacity) else { continue }
        let now = held.reduce(0) { $0 + $1.request * $1.stay }
        guard now > capacity else {
          let whole = Double(capacity)
          formulation.addRow(Formulation.Sum(terms: held.map { ($0.column, Double($0.request) / whole) }), atMost: 1)
          continue
        }
        // Too full already: it holds no more than it does now until a replica starts there, and then it has to fit.
        let takes = starts(held.map { (.column($0.column), formulation.upper[$0.column], Double($0.stay)) })
        if takes.isZero { continue }
        let whole = Double(now)
        let load = Formulation.Sum(terms: held.map { ($0.column, Double($0.request) / whole) })
        formulation.addRow(load + (1 - Double(capacity) / whole) * takes, atMost: 1)
      }
    }
  }

  /// 1 where one of some counts is more than what stays; where none is, it may be either. 0 where none can be.
  mutating func starts(_ counts: [(sum: Formulation.Sum, most: Double, stay: Double)]) -> Formulation.Sum {
    if counts.contains(where: { $0.sum.constant > $0.stay }) { return .constant(1) }
    let open = counts.filter { $0.most > $0.stay }
    if open.isEmpty { return .constant(0) }
    let column = formulation.addColumn(upper: 1, integer: true, follows: .least)
    let sum = Formulation.Sum.column(column)
    for count in open {
      formulation.addRow(count.sum - (count.most - count.stay) * sum, atMost: count.stay, defines: column)
    }
    return sum
  }

  /// The traffic terms, at node and at zone tier.
  private mutating func addTraffic() {
    let weights = problem.weights
    let total = problem.edges.reduce(0) { $0 + $1.traffic }
    var worst = WorstMatrix(problem)
    if worst == nil { formulation.constant += weights.leavingNode * total }
    if weights.leavingNode != 0 {
      for (e, edge) in problem.edges.enumerated() where rank[edge.u] >= 0 && rank[edge.v] >= 0 {
        for n in nodes {
          guard let u = column(workload: edge.u, node: n), let v = column(workload: edge.v, node: n) else { continue }
          addShare(
            e, cost: weights.leavingNode, .column(u), formulation.upper[u], .column(v), formulation.upper[v], &worst)
        }
      }
      worst?.addShares(between: fixed, cost: weights.leavingNode)
    }
    if problem.zones.count > 1, weights.leavingZone != 0 {
      if worst == nil { formulation.constant += weights.leavingZone * total }
      addZoneShares(&worst)
    }
    worst?.addRows(to: &formulation)
  }

  /// The terms at zone tier.
  private mutating func addZoneShares(_ worst: inout WorstMatrix?) {
    let cost = problem.weights.leavingZone
    let zone = problem.nodes.map { Int32($0.zone) }
    var zones = Set(nodes.map { zone[$0] }).sorted()
    if worst == nil {
      // Where all is in one zone, zone shares do not change.
      if zones.count == 1 && nodes.count < problem.nodes.count { return }
    } else {
      // Which matrix is the worst depends on what does not change, too.
      zones = problem.zones.indices.map { Int32($0) }
    }
    for (e, edge) in problem.edges.enumerated() where worst != nil || rank[edge.u] >= 0 || rank[edge.v] >= 0 {
      for d in zones {
        let (u, mostU) = count(edge.u, in: d, of: zone)
        let (v, mostV) = count(edge.v, in: d, of: zone)
        if u.terms.isEmpty && v.terms.isEmpty {
          worst?.addShare(of: e, u.constant, v.constant, cost: cost)
        } else {
          addShare(e, cost: cost, u, mostU, v, mostV, &worst)
        }
      }
    }
  }

  /// A share of an edge: at most what part of each end's replicas is there.
  private mutating func addShare(
    _ e: Int, cost: Double, _ u: Formulation.Sum, _ mostU: Double, _ v: Formulation.Sum, _ mostV: Double,
    _ worst: inout WorstMatrix?
  ) {
    let edge = problem.edges[e]
    let ru = Double(problem.workloads[edge.u].replicas)
    let rv = Double(problem.workloads[edge.v].replicas)
    let most = min(mostU / ru, mostV / rv)
    guard most > 0 else { return }
    let share = formulation.addColumn(
      upper: most, cost: worst == nil ? -edge.traffic * cost : 0, follows: .greatest)
    if !u.terms.isEmpty { formulation.addRow(u - ru * .column(share), atLeast: 0, defines: share) }
    if !v.terms.isEmpty { formulation.addRow(v - rv * .column(share), atLeast: 0, defines: share) }
    worst?.addShare(of: e, column: share, cost: cost)
  }

  /// Peak utilization over all nodes, those that stay included.
  private mutating func addPeak() {
    guard problem.weights.utilization != 0 else { return }
    let resources = problem.resources.count
    let load = problem.load(Assignment(placed: fixed))
    var least = 0.0
    for i in load.indices where problem.allocatable[i] > 0 {
      least = max(least, Double(load[i]) / Double(problem.allocatable[i]))
    }
    let peak = formulation.addColumn(
      lower: least, upper: .infinity, cost: problem.weights.utilization, follows: .least)
    for n in nodes {
      for k in 0..<resources {
        let i = n * resources + k
        guard problem.allocatable[i] > 0 else { continue }
        let whole = Double(problem.allocatable[i])
        var used = Formulation.Sum(constant: Double(problem.reserved[i]) / whole)
        for w in workloads {
          let request = problem.requests[w * resources + k]
          if request > 0, let column = column(workload: w, node: n) {
            used.terms.append((column, Double(request) / whole))
          }
        }
        if !used.terms.isEmpty { formulation.addRow(used - .column(peak), atMost: 0, defines: peak) }
      }
    }
  }

  /// Replicas that leave the node where they run. Those that a workload has to give up as it shrinks are no moves; as at
  /// least so many leave anyway, they are simply taken off.
  private mutating func addMoves() {
    let weights = problem.weights
    guard weights.move != 0 || weights.maxMoves != nil else { return }
    var all = Formulation.Sum()
    for (w, now) in problem.current.enumerated() {
      guard let now else { continue }
      let running = now.reduce(0) { $0 + $1.replicas }
      all.constant -= Double(max(0, running - problem.workloads[w].replicas))
      for place in now {
        guard self.place[place.node] >= 0 else {
          let stay = fixed[w].first { $0.node == place.node }?.replicas ?? 0
          all.constant += Double(max(0, place.replicas - stay))
          continue
        }
        guard let x = column(workload: w, node: place.node) else {
          all.constant += Double(place.replicas)
          continue
        }
        let left = formulation.addColumn(upper: Double(place.replicas), cost: weights.move, follows: .least)
        formulation.addRow(
          .column(left) + .column(x), atLeast: Double(place.replicas), defines: left)
        all.terms.append((left, 1))
      }
    }
    formulation.constant += weights.move * all.constant
    if let most = weights.maxMoves { formulation.addRow(all, atMost: Double(most)) }
  }

  /// How many replicas of a workload a domain holds, and the most that it can hold; `domain` maps nodes to domains.
  ///
  /// - Parameter onlyStaying: whether to count on those nodes alone from which some may stay.
  func count(
    _ w: Int, in d: Int32, of domain: [Int32], staying onlyStaying: Bool = false
  ) -> (sum: Formulation.Sum, most: Double) {
    func counts(_ n: Int) -> Bool { domain[n] == d && (!onlyStaying || staying.count(w, on: n) > 0) }
    var sum = Formulation.Sum()
    for place in fixed[w] where counts(place.node) { sum.constant += Double(place.replicas) }
    guard rank[w] >= 0 else { return (sum, sum.constant) }
    var most = 0.0
    for (j, n) in nodes.enumerated() where counts(n) {
      let column = columns[rank[w] * nodes.count + j]
      guard column >= 0 else { continue }
      sum.terms.append((column, 1))
      most += formulation.upper[column]
    }
    return (sum, sum.constant + min(most, Double(replicas[rank[w]])))
  }
}

/// Euclid's.
func greatestCommonDivisor(_ a: Int64, _ b: Int64) -> Int64 { b == 0 ? a : greatestCommonDivisor(b, a % b) }
