/// A placement of the members that changes move by move, with its cost kept incrementally.
///
/// A *step* moves `k` replicas of one member between two nodes. Steps are tried (`attempt`), each on top of those before,
/// and then kept (`commit`) or taken back (`rollback`) together. Trying is a handful of memory accesses: counts are
/// stored node by node, so that a step touches two rows.
///
/// Each searching thread has its own; it cannot be copied.
struct SearchState: ~Copyable {
  let search: SearchProblem
  let nodeCount: Int
  let memberCount: Int
  let resourceCount: Int

  /// Replicas of member `m` on node `n`: `count[n * memberCount + m]`.
  let count: UnsafeMutablePointer<Int32>
  /// The same by zone; only where zones matter.
  private let zoneCount: UnsafeMutablePointer<Int32>
  private let zoneOf: UnsafeMutablePointer<Int32>
  /// What is left on a node: `free[n * resourceCount + k]`; never negative after a commit unless `reserved` was too much.
  let free: UnsafeMutablePointer<Int64>
  let request: UnsafeMutablePointer<Int64>
  private let inverseAllocatable: UnsafeMutablePointer<Double>
  private let inverseReplicas: UnsafeMutablePointer<Double>
  private let neighbour: UnsafeMutablePointer<SearchProblem.Neighbour>
  private let firstNeighbour: UnsafeMutablePointer<Int>
  private let limitRow: UnsafeMutablePointer<Int32>
  private let limits: UnsafeMutablePointer<Int32>
  private let hasRules: UnsafeMutablePointer<Bool>

  // Single replicas, for drawing them at random.
  let replicaCount: Int
  let memberOfReplica: UnsafeMutablePointer<Int32>
  let nodeOfReplica: UnsafeMutablePointer<Int32>
  let firstReplica: UnsafeMutablePointer<Int>
  private var onNode: [ReplicaList]
  private let positionOnNode: UnsafeMutablePointer<Int32>

  // Terms of the objective besides traffic.
  let peakWeight: Double
  private var peaks: PeakTree
  private var rules: RuleCounts
  private var moves: MoveCounts?
  /// What traffic costs where the worst of several matrices counts.
  private var matrices: MatrixCosts?
  private let countsWorst: Bool

  /// The objective of what the members cost.
  private(set) var cost: Double
  /// How far the placement is from keeping capacities and rules: the sum over nodes of what is over capacity, as shares
  /// of what is allocatable, and of the replicas that break a rule. Kept only by a state that repairs.
  private(set) var penalty = 0.0
  /// How many nodes and rules are broken; exact, where `penalty` rounds.
  private(set) var brokenCount = 0
  private var repair: RepairTerms?
  /// Whether capacities and rules may be broken, at the price of the penalty.
  var mayBreak: Bool { repair != nil }
  private var journal: [Step] = []
  private var journalSaving = 0.0

  struct Step {
    var member: Int32
    var from: Int32
    var to: Int32
    var replicas: Int32
  }

  /// Starts from an assignment in which every replica has a node.
  ///
  /// - Parameter penaltyWeight: where given, the assignment may break capacities and rules; each unit of penalty then
  ///   costs this much. Where nil, it must keep them, and so do all that follow.
  init(_ search: SearchProblem, _ assignment: Assignment, penaltyWeight: Double? = nil) {
    self.search = search
    let problem = search.problem
    nodeCount = problem.nodes.count
    memberCount = search.members.count
    resourceCount = problem.resources.count
    let (nodes, members, resources) = (nodeCount, memberCount, resourceCount)
    count = .allocate(capacity: max(1, nodes * members))
    count.initialize(repeating: 0, count: max(1, nodes * members))
    let zoneCells = search.hasZones ? problem.zones.count * members : 1
    zoneCount = .allocate(capacity: max(1, zoneCells))
    zoneCount.initialize(repeating: 0, count: max(1, zoneCells))
    zoneOf = .copy(problem.nodes.map { Int32($0.zone) })
    var freeNow: [Int64] = []
    for n in 0..<nodes {
      for k in 0..<resources { freeNow.append(problem.capacity(node: n, resource: k)) }
    }
    free = .copy(freeNow)
    request = .copy(
      search.members.flatMap { Array(problem.requests[$0 * resources..<($0 + 1) * resources]) })
    inverseAllocatable = .copy(problem.allocatable.map { $0 > 0 ? 1 / Double($0) : 0 })
    inverseReplicas = .copy(search.members.map { 1 / Double(problem.workloads[$0].replicas) })
    neighbour = .copy(search.neighbours)
    firstNeighbour = .copy(search.firstNeighbour)
    limitRow = .copy(search.members.map { Int32(problem.workloads[$0].limitRow) })
    limits = .copy(problem.limitRows.flatMap(\.self))
    hasRules = .copy(search.rulesOf.map { !$0.isEmpty })

    var first: [Int] = [0]
    for w in search.members { first.append(first[first.count - 1] + problem.workloads[w].replicas) }
    firstReplica = .copy(first)
    replicaCount = first[first.count - 1]
    memberOfReplica = .allocate(capacity: max(1, replicaCount))
    nodeOfReplica = .allocate(capacity: max(1, replicaCount))
    positionOnNode = .allocate(capacity: max(1, replicaCount))
    onNode = (0..<nodes).map { _ in ReplicaList() }
    peakWeight = problem.weights.utilization
    peaks = PeakTree(leaves: nodes)
    rules = RuleCounts(search)
    moves = problem.movesMatter ? MoveCounts(search) : nil
    matrices = MatrixCosts(search)
    countsWorst = matrices != nil
    cost = 0

    for (m, w) in search.members.enumerated() {
      var replica = first[m]
      for place in assignment.placed[w] {
        for _ in 0..<place.replicas {
          memberOfReplica[replica] = Int32(m)
          nodeOfReplica[replica] = Int32(place.node)
          positionOnNode[replica] = onNode[place.node].append(Int32(replica))
          replica += 1
        }
        put(m, place.node, Int32(place.replicas))
        rules.add(m, node: place.node, replicas: place.replicas)
        moves?.add(m, node: place.node, replicas: place.replicas)
      }
      precondition(replica == first[m + 1], "every replica has a node")
    }
    for n in 0..<nodes { peaks.set(n, utilization(of: n)) }
    repair = penaltyWeight.map { RepairTerms(weight: $0) }
    recomputePenalty()
    recomputeCost()
  }

  deinit {
    count.deallocate()
    zoneCount.deallocate()
    zoneOf.deallocate()
    free.deallocate()
    request.deallocate()
    inverseAllocatable.deallocate()
    inverseReplicas.deallocate()
    neighbour.deallocate()
    firstNeighbour.deallocate()
    limitRow.deallocate()
    limits.deallocate()
    hasRules.deallocate()
    firstReplica.deallocate()
    memberOfReplica.deallocate()
    nodeOfReplica.deallocate()
    positionOnNode.deallocate()
    for list in onNode { list.deallocate() }
  }

  // MARK: Looking

  /// Peak utilization, at least what it must be when the fillers are in.
  var peak: Double { max(peaks.root, search.utilizationFloor) }

  /// Replicas on a node, for drawing one.
  @inline(__always)
  func replicasOn(_ n: Int) -> Int { onNode[n].count }

  @inline(__always)
  func replica(_ index: Int, on n: Int) -> Int { Int(onNode[n].items[index]) }

  @inline(__always)
  func neighbours(of m: Int) -> UnsafeBufferPointer<SearchProblem.Neighbour> {
    let first = firstNeighbour[m]
    return UnsafeBufferPointer(start: neighbour + first, count: firstNeighbour[m + 1] - first)
  }

  @inline(__always)
  func counts(of m: Int, on n: Int) -> Int { Int(count[n * memberCount + m]) }

  /// Whether `k` more replicas of a member fit on a node, by capacity.
  @inline(__always)
  func fits(_ m: Int, _ n: Int, _ k: Int) -> Bool {
    for r in 0..<resourceCount {
      let need = request[m * resourceCount + r] &* Int64(k)
      if need > 0 && free[n * resourceCount + r] < need { return false }
    }
    return true
  }

  /// Whether `k` more replicas of a member are allowed on a node by its limit row.
  @inline(__always)
  func allowed(_ m: Int, _ n: Int, _ k: Int) -> Bool {
    Int(count[n * memberCount + m]) + k <= Int(limits[Int(limitRow[m]) * nodeCount + n])
  }

  /// Whether what is on a node fits there.
  @inline(__always)
  func isWithinCapacity(_ n: Int) -> Bool {
    for r in 0..<resourceCount where free[n * resourceCount + r] < 0 { return false }
    return true
  }

  // MARK: Trying

  /// Moves `k` replicas of a member between two different nodes, whatever the capacities. The limits and the capacity
  /// of the target are the caller's to check, now or before it commits.
  @inline(__always)
  mutating func attempt(_ m: Int, _ from: Int, _ to: Int, _ k: Int) {
    if countsWorst { tryMatrices(m, from, to, Int32(k)) } else { journalSaving += saving(m, from, to, Int32(k)) }
    put(m, from, Int32(-k))
    put(m, to, Int32(k))
    if hasRules[m] { rules.move(m, from: from, to: to, replicas: k) }
    moves?.move(m, from: from, to: to, replicas: k)
    journal.append(Step(member: Int32(m), from: Int32(from), to: Int32(to), replicas: Int32(k)))
  }

  /// By how much the steps tried so far would change the objective; nil where they break a rule or move too much.
  mutating func attemptedChange() -> Double? {
    var change = countsWorst ? matrices?.attemptedChange ?? 0 : -journalSaving
    if repair != nil {
      change += attemptedPenalty()
    } else {
      for step in journal where hasRules[Int(step.member)] {
        if !rules.holds(forMember: Int(step.member)) { return nil }
      }
    }
    if let moves {
      guard let moveChange = moves.attemptedChange() else { return nil }
      change += moveChange
    }
    if peakWeight > 0 {
      let before = peak
      for step in journal {
        peaks.set(Int(step.from), utilization(of: Int(step.from)))
        peaks.set(Int(step.to), utilization(of: Int(step.to)))
      }
      change += peakWeight * (peak - before)
    }
    return change
  }

  /// Keeps the steps tried; `change` is what ``attemptedChange()`` said.
  mutating func commit(_ change: Double) {
    for step in journal {
      relocate(Int(step.member), Int(step.from), Int(step.to), Int(step.replicas))
    }
    moves?.commit()
    matrices?.commit()
    cost += change
    if repair != nil { commitPenalty() }
    journal.removeAll(keepingCapacity: true)
    journalSaving = 0
  }

  /// Takes the steps tried back.
  mutating func rollback() {
    for step in journal.reversed() {
      let (m, from, to, k) = (Int(step.member), Int(step.from), Int(step.to), Int(step.replicas))
      put(m, to, Int32(-k))
      put(m, from, Int32(k))
      if hasRules[m] { rules.move(m, from: to, to: from, replicas: k) }
      moves?.move(m, from: to, to: from, replicas: k)
    }
    if peakWeight > 0 {
      for step in journal {
        peaks.set(Int(step.from), utilization(of: Int(step.from)))
        peaks.set(Int(step.to), utilization(of: Int(step.to)))
      }
    }
    moves?.commit()
    matrices?.rollback()
    journal.removeAll(keepingCapacity: true)
    journalSaving = 0
  }

  /// What moving `k` replicas saves in traffic cost.
  @inline(__always)
  func saving(_ m: Int, _ from: Int, _ to: Int, _ k: Int32) -> Double {
    var saving = 0.0
    let share = inverseReplicas[m]
    let rowFrom = count + from * memberCount
    let rowTo = count + to * memberCount
    let fromBefore = Double(rowFrom[m]) * share
    let fromAfter = Double(rowFrom[m] &- k) * share
    let toBefore = Double(rowTo[m]) * share
    let toAfter = Double(rowTo[m] &+ k) * share
    let zones = search.hasZones && zoneOf[from] != zoneOf[to]
    var i = firstNeighbour[m]
    let end = firstNeighbour[m + 1]
    while i < end {
      let v = Int(neighbour[i].member)
      let (a, b) = (rowFrom[v], rowTo[v])
      if a | b != 0 {
        let shareOther = inverseReplicas[v]
        let (sa, sb) = (Double(a) * shareOther, Double(b) * shareOther)
        saving +=
          neighbour[i].nodeCost * (min(fromAfter, sa) - min(fromBefore, sa) + min(toAfter, sb) - min(toBefore, sb))
      }
      i &+= 1
    }
    if zones {
      saving += zoneSaving(m, Int(zoneOf[from]), Int(zoneOf[to]), k)
    }
    return saving
  }

  private func zoneSaving(_ m: Int, _ from: Int, _ to: Int, _ k: Int32) -> Double {
    var saving = 0.0
    let share = inverseReplicas[m]
    let rowFrom = zoneCount + from * memberCount
    let rowTo = zoneCount + to * memberCount
    let fromBefore = Double(rowFrom[m]) * share
    let fromAfter = Double(rowFrom[m] &- k) * share
    let toBefore = Double(rowTo[m]) * share
    let toAfter = Double(rowTo[m] &+ k) * share
    for i in firstNeighbour[m]..<firstNeighbour[m + 1] {
      let v = Int(neighbour[i].member)
      let (sa, sb) = (Double(rowFrom[v]) * inverseReplicas[v], Double(rowTo[v]) * inverseReplicas[v])
      saving +=
        neighbour[i].zoneCost * (min(fromAfter, sa) - min(fromBefore, sa) + min(toAfter, sb) - min(toBefore, sb))
    }
    return saving
  }

  /// The same for each matrix, where the worst counts.
  private mutating func tryMatrices(_ m: Int, _ from: Int, _ to: Int, _ k: Int32) {
    matrices?.attempt(
      m, k, from: count + from * memberCount, to: count + to * memberCount, inverseReplicas,
      price: search.problem.weights.leavingNode)
    guard search.hasZones, zoneOf[from] != zoneOf[to] else { return }
    matrices?.attempt(
      m, k, from: zoneCount + Int(zoneOf[from]) * memberCount, to: zoneCount + Int(zoneOf[to]) * memberCount,
      inverseReplicas, price: search.problem.weights.leavingZone)
  }

  // MARK: Whole placements

  /// Computes the cost anew, so that rounding does not add up over millions of steps.
  mutating func recomputeCost() {
    var local = 0.0
    matrices?.reset()
    var seen = [Int32](repeating: -1, count: nodeCount)
    for m in 0..<memberCount {
      let edges = neighbours(of: m)
      guard !edges.isEmpty else { continue }
      for r in firstReplica[m]..<firstReplica[m + 1] {
        let n = Int(nodeOfReplica[r])
        guard seen[n] != Int32(m) else { continue }
        seen[n] = Int32(m)
        let row = count + n * memberCount
        let share = Double(row[m]) * inverseReplicas[m]
        for edge in edges where Int(edge.member) > m {
          let v = Int(edge.member)
          local += edge.nodeCost * min(share, Double(row[v]) * inverseReplicas[v])
        }
        matrices?.addLocal(m, row: row, inverseReplicas, price: search.problem.weights.leavingNode)
      }
      guard search.hasZones else { continue }
      for z in search.problem.zones.indices {
        let row = zoneCount + z * memberCount
        let share = Double(row[m]) * inverseReplicas[m]
        for edge in edges where Int(edge.member) > m {
          let v = Int(edge.member)
          local += edge.zoneCost * min(share, Double(row[v]) * inverseReplicas[v])
        }
        matrices?.addLocal(m, row: row, inverseReplicas, price: search.problem.weights.leavingZone)
      }
    }
    let traffic = matrices?.cost ?? search.remoteCost - local
    cost =
      traffic + peakWeight * peak + (moves?.cost ?? 0) + (repair?.weight ?? 0) * penalty
  }

  /// Where the replicas of each member are, by replica index; much cheaper to keep than an assignment.
  func snapshot() -> [Int32] {
    Array(UnsafeBufferPointer(start: nodeOfReplica, count: replicaCount))
  }

  /// Goes back to a snapshot.
  mutating func restore(_ snapshot: [Int32]) {
    for r in 0..<replicaCount {
      let (from, to, m) = (Int(nodeOfReplica[r]), Int(snapshot[r]), Int(memberOfReplica[r]))
      guard from != to else { continue }
      put(m, from, -1)
      put(m, to, 1)
      rules.move(m, from: from, to: to, replicas: 1)
      moves?.move(m, from: from, to: to, replicas: 1)
      relist(r, from, to)
    }
    moves?.commit()
    for n in 0..<nodeCount { peaks.set(n, utilization(of: n)) }
    recomputePenalty()
    recomputeCost()
  }

  /// The members' part of an assignment.
  func members(of snapshot: [Int32]) -> [[Problem.Placed]] {
    (0..<memberCount).map { m in
      var counts: [Int: Int] = [:]
      for r in firstReplica[m]..<firstReplica[m + 1] { counts[Int(snapshot[r]), default: 0] += 1 }
      return counts.sorted { $0.key < $1.key }.map { Problem.Placed(node: $0.key, replicas: $0.value) }
    }
  }

  // MARK: Repairing

  private struct RepairTerms {
    let weight: Double
    /// Of each node, what is over capacity, as a share of what is allocatable.
    var excess: [Double] = []
    /// Of each rule, how many replicas break it.
    var violation: [Int] = []
    /// What the steps tried would make of some of them.
    var triedNodes: [(node: Int, excess: Double)] = []
    var triedRules: [(rule: Int, violation: Int)] = []
  }

  private mutating func recomputePenalty() {
    guard var terms = repair.take() else { return }
    terms.excess = (0..<nodeCount).map { excess(of: $0) }
    terms.violation = search.problem.rules.indices.map { rules.violation($0) }
    penalty = terms.excess.reduce(0, +) + Double(terms.violation.reduce(0, +))
    brokenCount = terms.excess.count { $0 > 0 } + terms.violation.count { $0 > 0 }
    repair = terms
  }

  /// Weighted change of the penalty by the steps tried.
  private mutating func attemptedPenalty() -> Double {
    guard var terms = repair.take() else { return 0 }
    defer { repair = terms }
    terms.triedNodes.removeAll(keepingCapacity: true)
    terms.triedRules.removeAll(keepingCapacity: true)
    var change = 0.0
    for step in journal {
      for n in [Int(step.from), Int(step.to)] where !terms.triedNodes.contains(where: { $0.node == n }) {
        let excess = excess(of: n)
        change += excess - terms.excess[n]
        terms.triedNodes.append((n, excess))
      }
      for rule in search.rulesOf[Int(step.member)] where !terms.triedRules.contains(where: { $0.rule == rule }) {
        let violation = rules.violation(rule)
        change += Double(violation - terms.violation[rule])
        terms.triedRules.append((rule, violation))
      }
    }
    return terms.weight * change
  }

  private mutating func commitPenalty() {
    guard var terms = repair.take() else { return }
    for tried in terms.triedNodes {
      let before = terms.excess[tried.node]
      penalty += tried.excess - before
      brokenCount += (tried.excess > 0 ? 1 : 0) - (before > 0 ? 1 : 0)
      terms.excess[tried.node] = tried.excess
    }
    for tried in terms.triedRules {
      let before = terms.violation[tried.rule]
      penalty += Double(tried.violation - before)
      brokenCount += (tried.violation > 0 ? 1 : 0) - (before > 0 ? 1 : 0)
      terms.violation[tried.rule] = tried.violation
    }
    repair = terms
  }

  private func excess(of n: Int) -> Double {
    var excess = 0.0
    for r in 0..<resourceCount {
      let i = n * resourceCount + r
      // A node that offers none of a resource is over by whole units.
      if free[i] < 0 { excess -= Double(free[i]) * (inverseAllocatable[i] > 0 ? inverseAllocatable[i] : 1) }
    }
    return excess
  }

  // MARK: Bookkeeping

  @inline(__always)
  private mutating func put(_ m: Int, _ n: Int, _ k: Int32) {
    count[n * memberCount + m] &+= k
    if search.hasZones { zoneCount[Int(zoneOf[n]) * memberCount + m] &+= k }
    for r in 0..<resourceCount {
      free[n * resourceCount + r] &-= request[m * resourceCount + r] &* Int64(k)
    }
  }

  private func utilization(of n: Int) -> Double {
    var fullest = 0.0
    for r in 0..<resourceCount {
      let i = n * resourceCount + r
      fullest = max(fullest, 1 - Double(free[i]) * inverseAllocatable[i])
    }
    return fullest
  }

  private mutating func relocate(_ m: Int, _ from: Int, _ to: Int, _ k: Int) {
    var left = k
    var r = firstReplica[m]
    while left > 0 {
      if Int(nodeOfReplica[r]) == from {
        relist(r, from, to)
        left -= 1
      }
      r += 1
    }
  }

  private mutating func relist(_ r: Int, _ from: Int, _ to: Int) {
    let moved = onNode[from].remove(at: positionOnNode[r])
    if Int(moved) != r { positionOnNode[Int(moved)] = positionOnNode[r] }
    positionOnNode[r] = onNode[to].append(Int32(r))
    nodeOfReplica[r] = Int32(to)
  }
}

/// The replicas on one node, in no order.
private struct ReplicaList {
  private(set) var items: UnsafeMutablePointer<Int32> = .allocate(capacity: 8)
  private(set) var count = 0
  private var capacity = 8

  /// Answers the position of the new item.
  mutating func append(_ item: Int32) -> Int32 {
    if count == capacity {
      let larger = UnsafeMutablePointer<Int32>.allocate(capacity: capacity * 2)
      larger.update(from: items, count: count)
      items.deallocate()
      items = larger
      capacity *= 2
    }
    items[count] = item
    count += 1
    return Int32(count - 1)
  }

  /// Removes the item at a position and answers the item that has taken its place (itself where it was the last).
  mutating func remove(at position: Int32) -> Int32 {
    count -= 1
    items[Int(position)] = items[count]
    return items[Int(position)]
  }

  func deallocate() { items.deallocate() }
}

extension UnsafeMutablePointer {
  /// Allocates a copy of an array, at least one element long.
  fileprivate static func copy(_ array: [Pointee]) -> UnsafeMutablePointer {
    let copy = UnsafeMutablePointer.allocate(capacity: Swift.max(1, array.count))
    copy.initialize(from: array, count: array.count)
    return copy
  }
}
