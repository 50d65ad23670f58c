internal import Model

/// A placement of the members that changes move by move, with its cost kept incrementally.
///
/// A *step* moves `k` replicas of one member between two nodes. Steps are tried (`attempt`), each on top of those before,
/// and then kept (`commit`) or taken back (`rollback`) together. Trying is a handful of memory accesses: how many
/// replicas of a member are on a node is counted from the few places of the member, which lie side by side; only members
/// of many replicas have a table of their own. So memory grows with the replicas, not with nodes × workloads.
///
/// Each searching thread has its own; it cannot be copied.
struct SearchState: ~Copyable {
  let search: SearchProblem
  let nodeCount: Int
  let memberCount: Int
  let resourceCount: Int

  private let members: UnsafeMutablePointer<Member>
  /// The node of each replica, the steps tried included; which of a member's replicas is where means nothing.
  private let seat: UnsafeMutablePointer<Int32>
  /// Replicas by node of the members that have many, `rows[member.row + n]`.
  private let rows: UnsafeMutablePointer<Int32>
  private let zones: Int
  /// Replicas of a member in a zone, `zoneCount[m * zones + z]`; only where zones matter.
  private let zoneCount: UnsafeMutablePointer<Int32>
  private let zoneOf: UnsafeMutablePointer<Int32>
  /// What is left on a node: `free[n * resourceCount + k]`; never negative after a commit unless `reserved` was too much.
  let free: UnsafeMutablePointer<Int64>
  let request: UnsafeMutablePointer<Int64>
  private let inverseAllocatable: UnsafeMutablePointer<Double>
  /// The utilization of a node's resources with nothing of them left; see ``Problem/fullUtilizations``.
  private let fullUtilization: UnsafeMutablePointer<Double>
  private let neighbour: UnsafeMutablePointer<SearchProblem.Neighbour>
  private let firstNeighbour: UnsafeMutablePointer<Int>
  private let limitRow: UnsafeMutablePointer<Int32>
  private let limits: UnsafeMutablePointer<Int32>
  private let hasRules: UnsafeMutablePointer<Bool>
  /// The region of each node and the region that may move a member, where the nodes are divided.
  private let regionOfNode: UnsafeMutablePointer<UInt8>
  private let ownerOfMember: UnsafeMutablePointer<UInt8>
  private var region: UInt8 = 0
  private var isDivided = false
  /// Replicas that may move; empty where all may.
  private var drawable: [Int32] = []

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
  /// Replicas that start on a node and request a resource, `startsOn[n * resourceCount + k]`; empty where no node is
  /// fuller than it may be. Where there are none, what is too much may stay.
  private var startsOn: [Int32]
  /// Whether capacities or rules depend on what starts.
  private let countsStarts: Bool
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

  /// What a step needs to know of each member that it meets.
  private struct Member {
    /// `1 / replicas`.
    var share: Double
    var first: Int32
    var replicas: Int32
    /// Where its row starts; −1 where the replicas are so few that counting them is quicker.
    var row: Int
  }

  /// With up to so many replicas a member is counted.
  private static let few = 12

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
    let (nodes, resources) = (nodeCount, resourceCount)
    zones = search.hasZones ? problem.zones.count : 0
    let zoneCells = zones * memberCount
    zoneCount = .allocate(capacity: max(1, zoneCells))
    zoneCount.initialize(repeating: 0, count: max(1, zoneCells))
    zoneOf = .copy(problem.nodes.map { Int32(truncatingIfNeeded: $0.zone) })
    var freeNow: [Int64] = []
    for n in 0..<nodes {
      for k in 0..<resources { freeNow.append(problem.capacity(node: n, resource: k)) }
    }
    free = .copy(freeNow)
    request = .copy(
      search.members.flatMap { Array(problem.requests[$0 * resources..<($0 + 1) * resources]) })
    inverseAllocatable = .copy(problem.allocatable.map { $0 > 0 ? 1 / Double($0) : 0 })
    fullUtilization = .copy(problem.fullUtilizations)
    neighbour = .copy(search.neighbours)
    firstNeighbour = .copy(search.firstNeighbour)
    limitRow = .copy(search.members.map { Int32(problem.workloads[$0].limitRow) })
    limits = .copy(problem.limitRows.flatMap(\.self))
    hasRules = .copy(search.rulesOf.map { !$0.isEmpty })
    regionOfNode = .copy(Array(repeating: 0, count: nodes))
    ownerOfMember = .copy(Array(repeating: Regions.anyone, count: memberCount))

    var first: [Int] = [0]
    for w in search.members { first.append(first[first.count - 1] + problem.workloads[w].replicas) }
    firstReplica = .copy(first)
    replicaCount = first[first.count - 1]
    var cells = 0
    var table: [Member] = []
    for (m, w) in search.members.enumerated() {
      let replicas = problem.workloads[w].replicas
      let hasRow = replicas > Self.few
      table.append(
        Member(
          share: 1 / Double(replicas), first: Int32(first[m]), replicas: Int32(replicas), row: hasRow ? cells : -1))
      if hasRow { cells += nodes }
    }
    members = .copy(table)
    rows = .allocate(capacity: max(1, cells))
    rows.initialize(repeating: 0, count: max(1, cells))
    seat = .allocate(capacity: max(1, replicaCount))
    memberOfReplica = .allocate(capacity: max(1, replicaCount))
    nodeOfReplica = .allocate(capacity: max(1, replicaCount))
    positionOnNode = .allocate(capacity: max(1, replicaCount))
    onNode = (0..<nodes).map { _ in ReplicaList() }
    peakWeight = problem.weights.utilization
    peaks = PeakTree(leaves: nodes)
    rules = RuleCounts(search)
    startsOn = search.staying.overfull.isEmpty ? [] : Array(repeating: 0, count: nodes * resources)
    countsStarts = search.staying.matters
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
          seat[replica] = Int32(place.node)
          positionOnNode[replica] = onNode[place.node].append(Int32(replica))
          replica += 1
        }
        settle(m, place.node, Int32(place.replicas))
        rules.add(m, node: place.node, replicas: place.replicas)
        if countsStarts { addStarts(m, place.node, from: 0, to: place.replicas) }
        moves?.change(m, node: place.node, from: 0, to: place.replicas)
      }
      precondition(replica == first[m + 1], "every replica has a node")
    }
    moves?.commit()
    for n in 0..<nodes { peaks.set(n, utilization(of: n)) }
    repair = penaltyWeight.map { RepairTerms(weight: $0) }
    recomputePenalty()
    recomputeCost()
  }

  deinit {
    members.deallocate()
    seat.deallocate()
    rows.deallocate()
    zoneCount.deallocate()
    zoneOf.deallocate()
    free.deallocate()
    request.deallocate()
    inverseAllocatable.deallocate()
    fullUtilization.deallocate()
    neighbour.deallocate()
    firstNeighbour.deallocate()
    limitRow.deallocate()
    limits.deallocate()
    hasRules.deallocate()
    regionOfNode.deallocate()
    ownerOfMember.deallocate()
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

  /// Replicas of a member on a node.
  @inline(__always)
  func counts(of m: Int, on n: Int) -> Int { Int(held(m, Int32(truncatingIfNeeded: n))) }

  @inline(__always)
  private func held(_ m: Int, _ n: Int32) -> Int32 {
    let member = members[m]
    if member.row >= 0 { return rows[member.row &+ Int(n)] }
    var count: Int32 = 0
    let seats = seat + Int(member.first)
    for r in 0..<Int(member.replicas) where seats[r] == n { count &+= 1 }
    return count
  }

  /// Replicas of a member on two nodes.
  @inline(__always)
  private func held(_ member: Member, _ a: Int32, _ b: Int32) -> (Int32, Int32) {
    if member.row >= 0 { return (rows[member.row &+ Int(a)], rows[member.row &+ Int(b)]) }
    var counts: (Int32, Int32) = (0, 0)
    let seats = seat + Int(member.first)
    for r in 0..<Int(member.replicas) {
      let n = seats[r]
      counts.0 &+= n == a ? 1 : 0
      counts.1 &+= n == b ? 1 : 0
    }
    return counts
  }

  /// Whether `k` more replicas of a member fit on a node, by capacity.
  @inline(__always)
  func fits(_ m: Int, _ n: Int, _ k: Int) -> Bool {
    for r in 0..<resourceCount {
      let need = request[m * resourceCount + r] &* Int64(k)
      if need > 0 && free[n * resourceCount + r] < need { return false }
    }
    return true
  }

  /// A replica that may move, at random; nil where there is none.
  @inline(__always)
  func draw(_ random: inout SeededGenerator) -> Int? {
    if !drawable.isEmpty { return Int(drawable[random.below(drawable.count)]) }
    return isDivided ? nil : random.below(replicaCount)
  }

  /// Whether `k` more replicas of a member are allowed on a node by its limit row, and the search may put them there.
  @inline(__always)
  func allowed(_ m: Int, _ n: Int, _ k: Int) -> Bool {
    guard regionOfNode[n] == region, ownerOfMember[m] == region || ownerOfMember[m] == Regions.anyone else {
      return false
    }
    let limit = Int(limits[Int(limitRow[m]) * nodeCount + n])
    return limit >= Int(members[m].replicas) || counts(of: m, on: n) + k <= limit
  }

  /// Whether what is on a node fits there, or may stay.
  @inline(__always)
  func isWithinCapacity(_ n: Int) -> Bool {
    for r in 0..<resourceCount where free[n * resourceCount + r] < 0 && !mayStayFull(n * resourceCount + r) {
      return false
    }
    return true
  }

  /// Whether a node that is too full of a resource takes no replica that requests it.
  private func mayStayFull(_ i: Int) -> Bool { !startsOn.isEmpty && startsOn[i] == 0 }

  /// Whether a search that keeps to a region may move what is on a node.
  func isOwn(_ n: Int) -> Bool { regionOfNode[n] == region }

  // MARK: Trying

  /// Moves `k` replicas of a member between two different nodes, whatever the capacities. The limits and the capacity
  /// of the target are the caller's to check, now or before it commits.
  @inline(__always)
  mutating func attempt(_ m: Int, _ from: Int, _ to: Int, _ k: Int) {
    if countsWorst { tryMatrices(m, from, to, k) } else { journalSaving += saving(m, from, to, Int32(k)) }
    shift(m, from, to, k)
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
      shift(m, to, from, k)
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
    let share = members[m].share
    let (here, there) = held(members[m], Int32(truncatingIfNeeded: from), Int32(truncatingIfNeeded: to))
    let fromBefore = Double(here) * share
    let fromAfter = Double(here &- k) * share
    let toBefore = Double(there) * share
    let toAfter = Double(there &+ k) * share
    var i = firstNeighbour[m]
    let end = firstNeighbour[m + 1]
    while i < end {
      let other = members[Int(neighbour[i].member)]
      let (a, b) = held(other, Int32(truncatingIfNeeded: from), Int32(truncatingIfNeeded: to))
      if a | b != 0 {
        let (sa, sb) = (Double(a) * other.share, Double(b) * other.share)
        saving +=
          neighbour[i].nodeCost * (min(fromAfter, sa) - min(fromBefore, sa) + min(toAfter, sb) - min(toBefore, sb))
      }
      i &+= 1
    }
    if search.hasZones && zoneOf[from] != zoneOf[to] {
      saving += zoneSaving(m, Int(zoneOf[from]), Int(zoneOf[to]), k)
    }
    return saving
  }

  private func zoneSaving(_ m: Int, _ from: Int, _ to: Int, _ k: Int32) -> Double {
    var saving = 0.0
    let share = members[m].share
    let row = zoneCount + m * zones
    let fromBefore = Double(row[from]) * share
    let fromAfter = Double(row[from] &- k) * share
    let toBefore = Double(row[to]) * share
    let toAfter = Double(row[to] &+ k) * share
    for i in firstNeighbour[m]..<firstNeighbour[m + 1] {
      let v = Int(neighbour[i].member)
      let row = zoneCount + v * zones
      let shareOther = members[v].share
      let (sa, sb) = (Double(row[from]) * shareOther, Double(row[to]) * shareOther)
      saving +=
        neighbour[i].zoneCost * (min(fromAfter, sa) - min(fromBefore, sa) + min(toAfter, sb) - min(toBefore, sb))
    }
    return saving
  }

  /// The same for each matrix, where the worst counts.
  private mutating func tryMatrices(_ m: Int, _ from: Int, _ to: Int, _ k: Int) {
    guard var tried = matrices.take() else { return }
    let moved = Double(k) * members[m].share
    tried.attempt(m, moved, price: search.problem.weights.leavingNode) { v in
      (share(of: v, on: from), share(of: v, on: to))
    }
    if search.hasZones, zoneOf[from] != zoneOf[to] {
      let (a, b) = (Int(zoneOf[from]), Int(zoneOf[to]))
      tried.attempt(m, moved, price: search.problem.weights.leavingZone) { v in
        (share(of: v, inZone: a), share(of: v, inZone: b))
      }
    }
    matrices = tried
  }

  /// The part of a member's replicas that is on a node.
  private func share(of m: Int, on n: Int) -> Double { Double(counts(of: m, on: n)) * members[m].share }

  private func share(of m: Int, inZone z: Int) -> Double { Double(zoneCount[m * zones + z]) * members[m].share }

  // MARK: Whole placements

  /// Computes the cost anew, so that rounding does not add up over millions of steps.
  mutating func recomputeCost() {
    var local = 0.0
    var tally = matrices.take()
    tally?.reset()
    var seen = [Int32](repeating: -1, count: nodeCount)
    for m in 0..<memberCount {
      let edges = neighbours(of: m)
      guard !edges.isEmpty else { continue }
      for r in firstReplica[m]..<firstReplica[m + 1] {
        let n = Int(nodeOfReplica[r])
        guard seen[n] != Int32(m) else { continue }
        seen[n] = Int32(m)
        let share = Double(counts(of: m, on: n)) * members[m].share
        for edge in edges where Int(edge.member) > m {
          let v = Int(edge.member)
          local += edge.nodeCost * min(share, Double(counts(of: v, on: n)) * members[v].share)
        }
        tally?.addLocal(m, price: search.problem.weights.leavingNode) { self.share(of: $0, on: n) }
      }
      guard search.hasZones else { continue }
      for z in search.problem.zones.indices {
        let share = Double(zoneCount[m * zones + z]) * members[m].share
        for edge in edges where Int(edge.member) > m {
          let v = Int(edge.member)
          local += edge.zoneCost * min(share, Double(zoneCount[v * zones + z]) * members[v].share)
        }
        tally?.addLocal(m, price: search.problem.weights.leavingZone) { self.share(of: $0, inZone: z) }
      }
    }
    let traffic = tally?.cost ?? search.remoteCost - local
    matrices = tally
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
      shift(m, from, to, 1)
      relist(r, from, to)
    }
    moves?.commit()
    for n in 0..<nodeCount { peaks.set(n, utilization(of: n)) }
    recomputePenalty()
    recomputeCost()
  }

  /// Moves replicas within one region only from now on; within all nodes where there are no regions.
  ///
  /// - Parameter focus: the members whose replicas are drawn; nil for all.
  mutating func keep(to region: UInt8, of regions: Regions?, focus: [Bool]? = nil) {
    self.region = regions == nil ? 0 : region
    isDivided = regions != nil || focus != nil
    moves?.allow(partOf: regions?.count ?? 1)
    drawable.removeAll(keepingCapacity: true)
    for n in 0..<nodeCount { regionOfNode[n] = regions?.regionOfNode[n] ?? 0 }
    for m in 0..<memberCount { ownerOfMember[m] = regions?.ownerOfMember[m] ?? Regions.anyone }
    guard isDivided else { return }
    for r in 0..<replicaCount {
      let owner = ownerOfMember[Int(memberOfReplica[r])]
      guard regionOfNode[Int(nodeOfReplica[r])] == self.region, owner == self.region || owner == Regions.anyone,
        focus?[Int(memberOfReplica[r])] ?? true
      else { continue }
      drawable.append(Int32(r))
    }
  }

  /// What a move costs from now on, at least what the problem says.
  mutating func setMovePrice(_ price: Double) {
    guard let weight = moves?.weight else { return }
    moves?.price = max(weight, price)
    recomputeCost()
  }

  /// Whether there are more moves than allowed.
  var isOverdrawn: Bool { moves?.isOverdrawn ?? false }

  /// The members that have most of the traffic between nodes: the fewest that have this part of it together.
  func mostCrossing(part: Double) -> [Bool] {
    var crossing = [Double](repeating: 0, count: memberCount)
    for m in 0..<memberCount {
      for edge in neighbours(of: m) where Int(edge.member) > m {
        let v = Int(edge.member)
        var cost = edge.nodeCost * (1 - localShare(m, v))
        for z in 0..<zones { cost -= edge.zoneCost * min(share(of: m, inZone: z), share(of: v, inZone: z)) }
        cost += edge.zoneCost
        crossing[m] += cost
        crossing[v] += cost
      }
    }
    var left = crossing.reduce(0, +) * part
    var isIn = [Bool](repeating: false, count: memberCount)
    for m in crossing.indices.sorted(by: { (crossing[$1], $0) < (crossing[$0], $1) }) where left > 0 {
      isIn[m] = true
      left -= crossing[m]
    }
    return isIn
  }

  /// `Σ_n min(x[m,n]/R_m, x[v,n]/R_v)`.
  private func localShare(_ m: Int, _ v: Int) -> Double {
    var local = 0.0
    let nodes = UnsafeBufferPointer(start: nodeOfReplica + firstReplica[m], count: Int(members[m].replicas))
    for (i, n) in nodes.enumerated() where !nodes[..<i].contains(n) {
      local += min(share(of: m, on: Int(n)), share(of: v, on: Int(n)))
    }
    return local
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
      guard free[i] < 0, !mayStayFull(i) else { continue }
      // A node that offers none of a resource is over by whole units.
      excess -= Double(free[i]) * (inverseAllocatable[i] > 0 ? inverseAllocatable[i] : 1)
    }
    return excess
  }

  // MARK: Bookkeeping

  /// Counts replicas on a node, whose seats are taken.
  private mutating func settle(_ m: Int, _ n: Int, _ k: Int32) {
    if members[m].row >= 0 { rows[members[m].row + n] += k }
    if search.hasZones { zoneCount[m * zones + Int(zoneOf[n])] += k }
    for r in 0..<resourceCount { free[n * resourceCount + r] -= request[m * resourceCount + r] * Int64(k) }
  }

  /// Counts replicas on another node than before.
  @inline(__always)
  private mutating func shift(_ m: Int, _ from: Int, _ to: Int, _ k: Int) {
    let member = members[m]
    if moves != nil { noteMoves(m, from, to, k) }
    if countsStarts { noteStarts(m, from, to, k) }
    if member.row >= 0 {
      rows[member.row &+ from] &-= Int32(truncatingIfNeeded: k)
      rows[member.row &+ to] &+= Int32(truncatingIfNeeded: k)
    } else {
      let seats = seat + Int(member.first)
      var (left, r) = (k, 0)
      while left > 0 && r < Int(member.replicas) {
        if Int(seats[r]) == from {
          seats[r] = Int32(truncatingIfNeeded: to)
          left &-= 1
        }
        r &+= 1
      }
    }
    if search.hasZones {
      zoneCount[m &* zones &+ Int(zoneOf[from])] &-= Int32(truncatingIfNeeded: k)
      zoneCount[m &* zones &+ Int(zoneOf[to])] &+= Int32(truncatingIfNeeded: k)
    }
    for r in 0..<resourceCount {
      let amount = request[m &* resourceCount &+ r] &* Int64(k)
      free[from &* resourceCount &+ r] &+= amount
      free[to &* resourceCount &+ r] &-= amount
    }
    if hasRules[m] { rules.move(m, from: from, to: to, replicas: k) }
  }

  private mutating func noteMoves(_ m: Int, _ from: Int, _ to: Int, _ k: Int) {
    let (here, there) = (counts(of: m, on: from), counts(of: m, on: to))
    moves?.change(m, node: from, from: here, to: here - k)
    moves?.change(m, node: to, from: there, to: there + k)
  }

  private mutating func noteStarts(_ m: Int, _ from: Int, _ to: Int, _ k: Int) {
    let (here, there) = (counts(of: m, on: from), counts(of: m, on: to))
    addStarts(m, from, from: here, to: here - k)
    addStarts(m, to, from: there, to: there + k)
  }

  private mutating func addStarts(_ m: Int, _ n: Int, from before: Int, to after: Int) {
    let stay = search.staying.count(search.members[m], on: n)
    let more = max(0, after - stay) - max(0, before - stay)
    guard more != 0 else { return }
    if hasRules[m] { rules.addStarts(m, node: n, replicas: more) }
    guard !startsOn.isEmpty else { return }
    for r in 0..<resourceCount where request[m * resourceCount + r] > 0 {
      startsOn[n * resourceCount + r] += Int32(truncatingIfNeeded: more)
    }
  }

  private func utilization(of n: Int) -> Double {
    var fullest = 0.0
    for r in 0..<resourceCount {
      let i = n * resourceCount + r
      fullest = max(fullest, fullUtilization[i] - Double(free[i]) * inverseAllocatable[i])
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
    if Int(truncatingIfNeeded: moved) != r { positionOnNode[Int(truncatingIfNeeded: moved)] = positionOnNode[r] }
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
