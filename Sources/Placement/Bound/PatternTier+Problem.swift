extension PatternTier {
  /// The node tier of a problem, or as much of it as a first core holds.
  init(nodesOf problem: Problem, firstBits: Int = firstBits) {
    let gain = problem.weights.leavingNode
    self.init(
      problem, gain: gain, bins: problem.nodes.indices.map { [$0] },
      edgeCount: Self.firstSize(problem, firstBits))
  }

  /// The zone tier of a problem, or as much of it as a first core holds: each zone is a bin as large as its nodes
  /// together.
  init(zonesOf problem: Problem, firstBits: Int = firstBits) {
    self.init(
      problem, gain: problem.weights.leavingZone,
      bins: problem.zones.indices.map { zone in problem.nodes.indices.filter { problem.nodes[$0].zone == zone } },
      edgeCount: Self.firstSize(problem, firstBits))
  }

  /// The tier with a quarter more edges; nil where it has all that are looked at.
  func grown(_ problem: Problem) -> PatternTier? {
    guard !isComplete else { return nil }
    return PatternTier(problem, gain: unitGain, bins: nodesOf, edgeCount: coreSize + max(1, coreSize / 4))
  }

  /// Workloads without traffic matter by what they leave free. A few make bounds exact, many only make them slow.
  private static let mostIdleItems = 6
  /// So many edges are looked at, the heaviest ones; that the others cost nothing at least, is a bound as well.
  private static let mostEdges = 400
  /// A first core's patterns take no more bits than this: what a search is done with in no time.
  static let firstBits = 120
  /// Bins that are more unlike than this are lumped together, as large as the largest of them.
  private static let mostGroups = 16

  /// - Parameters:
  ///   - gain: what the objective gains for a unit of traffic that stays in its bin.
  ///   - bins: the nodes of each bin.
  ///   - edgeCount: how many edges the core has, the heaviest ones.
  private init(_ problem: Problem, gain: Double, bins: [[Int]], edgeCount: Int) {
    resourceCount = problem.resources.count
    unitGain = gain
    nodesOf = bins
    let runs = problem.workloads.map { $0.replicas > 0 }
    lost = problem.edges.reduce(0) { runs[$1.u] && runs[$1.v] ? $0 : $0 + $1.traffic * gain }
    let candidates = gain > 0 ? Self.heaviestEdges(problem) : []
    coreSize = min(edgeCount, candidates.count)
    isComplete = coreSize == candidates.count
    outside = candidates.dropFirst(coreSize).reduce(0) { $0 + $1.traffic * gain }
    let heaviest = candidates.prefix(coreSize)
    let connected = Set(heaviest.flatMap { [$0.u, $0.v] })
    let idle = problem.workloads.indices.filter { !connected.contains($0) && runs[$0] }
    for w in connected.union(idle.count <= Self.mostIdleItems ? idle : []).sorted() {
      itemOf[w] = workloads.count
      workloads.append(w)
      replicas.append(problem.workloads[w].replicas)
      requests += problem.requests[w * resourceCount..<(w + 1) * resourceCount]
    }
    var merged: [[Int]: Double] = [:]
    for edge in heaviest {
      guard let u = itemOf[edge.u], let v = itemOf[edge.v] else { continue }
      merged[[min(u, v), max(u, v)], default: 0] += edge.traffic * gain
    }
    edges = merged.sorted { $0.key.lexicographicallyPrecedes($1.key) }
      .map { Edge(u: $0.key[0], v: $0.key[1], gain: $0.value) }
    conflicts = conflicts(problem)
    group(problem)
    fill(upTo: 1)
  }

  /// The edges that cores are made of, heaviest first.
  private static func heaviestEdges(_ problem: Problem) -> ArraySlice<Problem.Edge> {
    let runs = problem.workloads.map { $0.replicas > 0 }
    return problem.edges.filter { $0.traffic > 0 && runs[$0.u] && runs[$0.v] }
      .sorted { ($1.traffic, $0.u, $0.v) < ($0.traffic, $1.u, $1.v) }
      .prefix(mostEdges)
  }

  /// How many of the heaviest edges make a first core.
  private static func firstSize(_ problem: Problem, _ firstBits: Int) -> Int {
    let edges = heaviestEdges(problem)
    var known = Set<Int>()
    var bits = 0
    for (index, edge) in edges.enumerated() {
      for w in [edge.u, edge.v] where known.insert(w).inserted {
        bits += Int.bitWidth - problem.workloads[w].replicas.leadingZeroBitCount
      }
      if bits > firstBits { return max(1, index) }
    }
    return edges.count
  }

  /// Finds the bins that are alike.
  private mutating func group(_ problem: Problem) {
    struct Key: Hashable {
      var allocatable: [Int64]
      var reserved: [Int64]
      var most: [Int64]
      var stranded: [Int64]
      var mostReplicas: [Int]
    }
    let staying = Staying(problem)
    let load = staying.overfull.isEmpty ? [] : problem.load(Assignment(placed: staying.placed))
    /// What fills a node at most: whatever it can give, or what stays there.
    func most(_ i: Int) -> Int64 {
      load.isEmpty || !staying.overfull[i] ? problem.allocatable[i] : max(problem.allocatable[i], load[i])
    }
    var found: [Key: Int] = [:]
    for (bin, nodes) in nodesOf.enumerated() {
      // Of several nodes only what each can hold adds up.
      let isNode = nodes.count == 1
      func sum(offering isOffering: Bool = true, _ amount: (Int) -> Int64) -> [Int64] {
        (0..<resourceCount).map { k in
          nodes.map { $0 * resourceCount + k }.filter { (problem.allocatable[$0] > 0) == isOffering }
            .reduce(0) { $0 + amount($1) }
        }
      }
      func room(_ i: Int) -> Int64 { max(0, most(i) - problem.reserved[i]) }
      let key = Key(
        allocatable: sum { isNode ? problem.allocatable[$0] : room($0) },
        reserved: sum { isNode ? problem.reserved[$0] : 0 },
        most: sum { isNode ? most($0) : room($0) },
        stranded: sum(offering: false, room),
        mostReplicas: mostReplicas(in: nodes, problem, staying))
      if let g = found[key] {
        groups[g].bins.append(bin)
      } else {
        found[key] = groups.count
        groups.append(
          Group(
            bins: [bin], allocatable: key.allocatable, reserved: key.reserved, most: key.most,
            stranded: key.stranded, mostReplicas: key.mostReplicas, capacity: [], limits: []))
      }
    }
    if groups.count > Self.mostGroups { lump() }
  }

  /// The most replicas of each item on some nodes, by limits and rules.
  private func mostReplicas(in nodes: [Int], _ problem: Problem, _ staying: Staying) -> [Int] {
    var most = workloads.map { w in
      min(problem.workloads[w].replicas, nodes.reduce(0) { $0 + problem.limit(workload: w, node: $1) })
    }
    for rule in problem.rules {
      let (workload, partition) = rule.workloadAndPartition
      guard let item = itemOf[workload] else { continue }
      var byDomain: [Int32: Int] = [:]
      // What stays may stay in any case.
      var stays: [Int32: Int] = [:]
      for node in nodes {
        let domain = problem.partitions[partition].domain[node]
        byDomain[domain, default: 0] += problem.limit(workload: workload, node: node)
        stays[domain, default: 0] += staying.count(workload, on: node)
      }
      switch rule {
      case .atMost(_, _, let count):
        for domain in byDomain.keys where domain >= 0 {
          byDomain[domain] = min(max(count, stays[domain] ?? 0), byDomain[domain] ?? 0)
        }
      case .together, .spread: byDomain[-1] = min(byDomain[-1] ?? 0, stays[-1] ?? 0)
      case .apart: continue
      }
      most[item] = min(most[item], byDomain.values.reduce(0, +))
    }
    return most
  }

  /// Pairs that rules keep apart in every bin.
  private func conflicts(_ problem: Problem) -> [(Int, Int)] {
    var conflicts: [(Int, Int)] = []
    let broken = Staying(problem).broken
    for (index, rule) in problem.rules.enumerated() where broken[index].isEmpty {
      guard case .apart(let workload, let other, let partition) = rule else { continue }
      guard let a = itemOf[workload], let b = itemOf[other] else { continue }
      let isInOneDomain = nodesOf.allSatisfy { nodes in
        let domains = Set(nodes.map { problem.partitions[partition].domain[$0] })
        return domains.count <= 1 && !domains.contains(-1)
      }
      if isInOneDomain { conflicts.append((a, b)) }
    }
    return conflicts
  }

  /// Makes few groups of many, each as large as the largest of its bins.
  private mutating func lump() {
    let sorted = groups.sorted { $0.allocatable.lexicographicallyPrecedes($1.allocatable) }
    groups = (0..<Self.mostGroups).map { part in
      let members = sorted[part * sorted.count / Self.mostGroups..<(part + 1) * sorted.count / Self.mostGroups]
      return members.dropFirst().reduce(members[members.startIndex]) { lump, member in
        var lump = lump
        lump.bins += member.bins
        lump.allocatable = zip(lump.allocatable, member.allocatable).map { max($0, $1) }
        lump.reserved = zip(lump.reserved, member.reserved).map { min($0, $1) }
        lump.most = zip(lump.most, member.most).map { max($0, $1) }
        lump.stranded = zip(lump.stranded, member.stranded).map { max($0, $1) }
        lump.mostReplicas = zip(lump.mostReplicas, member.mostReplicas).map { max($0, $1) }
        return lump
      }
    }
  }

  /// What each bin holds in a placement.
  func bins(of assignment: Assignment) -> [(group: Int, counts: [Int32])] {
    var binOf: [Int: Int] = [:]
    for (bin, nodes) in nodesOf.enumerated() {
      for node in nodes { binOf[node] = bin }
    }
    var counts = Array(repeating: Array(repeating: Int32(0), count: itemCount), count: nodesOf.count)
    for (item, w) in workloads.enumerated() {
      for place in assignment.placed[w] {
        if let bin = binOf[place.node] { counts[bin][item] += Int32(place.replicas) }
      }
    }
    return groups.enumerated().flatMap { g, group in group.bins.map { (g, counts[$0]) } }
  }

  /// A placement with the given patterns on nodes, which are the bins, and all other replicas by traffic, if there is one
  /// that keeps all constraints.
  func placement(of bins: TierProof.Bins, in problem: Problem) -> Assignment? {
    var packing = Packing(problem)
    var used = Array(repeating: 0, count: groups.count)
    for (group, pattern) in bins {
      let node = groups[group].bins[used[group]]
      used[group] += 1
      for (item, count) in pattern.entries { packing.put(workloads[Int(item)], node, Int(count)) }
    }
    packing.packByTraffic(Array(problem.workloads.indices))
    let assignment = packing.assignment
    return problem.isFeasible(assignment) ? assignment : nil
  }
}

extension Problem.Rule {
  fileprivate var workloadAndPartition: (Int, Int) {
    switch self {
    case .atMost(let workload, let partition, _), .apart(let workload, _, let partition): (workload, partition)
    case .together(let workload, _, _, let partition, _, _): (workload, partition)
    case .spread(let workload, _, let partition, _, _, _, _): (workload, partition)
    }
  }
}
