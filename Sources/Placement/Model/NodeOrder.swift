import Model

/// An order of nodes that are alike, so that a search sees one of all the placements that differ only in which of them is
/// which.
///
/// The nodes of a class stand in falling lexicographic order of how many replicas of the *leaders* they hold, a list of
/// workloads. For workloads of one replica that makes a packing orbitope (Kaibel and Pfetsch 2008), and its rows here are
/// the column inequalities of it.
struct NodeOrder {
  /// Nodes that are alike, two or more, and the workloads that order them.
  struct Class {
    var nodes: [Int]
    var leaders: [Int]
  }

  private(set) var classes: [Class] = []

  /// No order at all.
  init() {}

  /// Finds the classes of nodes among those that the model plans anew, and their leaders.
  init(_ model: PlacementModel) {
    let problem = model.problem
    var ofNode = Array(repeating: [Int64](), count: problem.nodes.count)
    for n in model.nodes { ofNode[n] = Self.signature(n, model) }
    let groups = Dictionary(grouping: model.nodes) { ofNode[$0] }
    var busy = Array(repeating: 0.0, count: problem.workloads.count)
    for edge in problem.edges {
      busy[edge.u] += edge.traffic
      busy[edge.v] += edge.traffic
    }
    for nodes in groups.values.map({ $0.sorted() }).sorted(by: { $0[0] < $1[0] }) where nodes.count > 1 {
      let leaders = model.workloads.filter { Self.most($0, nodes[0], model) > 0 }
        .sorted { (busy[$0], $1) > (busy[$1], $0) }
      if !leaders.isEmpty { classes.append(Class(nodes: nodes, leaders: leaders)) }
    }
  }

  /// All that tells one node from another, as far as the model looks at it.
  private static func signature(_ n: Int, _ model: PlacementModel) -> [Int64] {
    let problem = model.problem
    let weights = problem.weights
    var signature: [Int64] = []
    for k in problem.resources.indices {
      let i = n * problem.resources.count + k
      signature.append(problem.capacity(node: n, resource: k))
      if weights.utilization != 0 { signature += [problem.allocatable[i], problem.reserved[i]] }
    }
    for w in model.workloads { signature.append(Int64(saturating: most(w, n, model))) }
    if problem.zones.count > 1 && weights.leavingZone != 0 { signature.append(Int64(clamping: problem.nodes[n].zone)) }
    if model.staying.matters {
      for w in problem.workloads.indices { signature.append(Int64(model.staying.count(w, on: n))) }
    }
    if weights.move != 0 || weights.maxMoves != nil {
      for now in problem.current { signature.append(Int64(now?.first { $0.node == n }?.replicas ?? 0)) }
    }
    for (p, partition) in problem.partitions.enumerated() {
      guard problem.rules.contains(where: { $0.partition == p }) else { continue }
      let d = partition.domain[n]
      let isAlone = d >= 0 && !problem.nodes.indices.contains { $0 != n && partition.domain[$0] == d }
      // A node that is a domain of its own can change places with another such one of which the rules say the same.
      signature.append(isAlone ? -2 : Int64(d))
      guard isAlone else { continue }
      for rule in problem.rules {
        switch rule {
        case .together(_, _, _, p, let present, _): signature.append(present[Int(d)] ? 1 : 0)
        case .spread(_, _, p, _, _, let base, let eligible):
          signature += [Int64(clamping: base[Int(d)]), eligible[Int(d)] ? 1 : 0]
        default: break
        }
      }
    }
    return signature
  }

  private static func most(_ w: Int, _ n: Int, _ model: PlacementModel) -> Double {
    model.column(workload: w, node: n).map { model.formulation.upper[$0] } ?? 0
  }

  /// Adds what the order says to a model.
  func constrain(_ model: inout PlacementModel) {
    for group in classes {
      let last = group.nodes.count - 1
      // Replicas of the leaders before: on each node, and in all.
      var before = Array(repeating: Formulation.Sum(), count: group.nodes.count)
      var all = 0
      for w in group.leaders {
        let x = group.nodes.compactMap { model.column(workload: w, node: $0) }
        let replicas = model.replicas[model.rank[w]]
        for j in 0...last {
          // Each node before this one holds a leader that comes before, or at least as many of this one.
          if j > all { model.formulation.limit(x[j], to: Double(replicas / (j + 1 - all))) }
        }
        for j in 0..<last {
          var row = -1 * before[j]
          if replicas == 1 {
            for next in x[(j + 1)...] { row.terms.append((next, 1)) }
            model.formulation.addRow(row, atMost: 0)
          } else {
            row = model.formulation.upper[x[j + 1]] * row + .column(x[j + 1]) - .column(x[j])
            model.formulation.addRow(row, atMost: 0)
          }
        }
        for j in 0...last { before[j].terms.append((x[j], 1)) }
        all += replicas
      }
    }
  }

  /// The same placement with like nodes in order.
  func ordered(_ assignment: Assignment, workloads: [Int], nodeCount: Int) -> Assignment {
    var target = Array(0..<nodeCount)
    for group in classes {
      var counts = Array(repeating: [Int](), count: nodeCount)
      for n in group.nodes { counts[n] = Array(repeating: 0, count: group.leaders.count) }
      for (i, w) in group.leaders.enumerated() {
        for place in assignment.placed[w] where !counts[place.node].isEmpty { counts[place.node][i] = place.replicas }
      }
      let sorted = group.nodes.sorted { a, b in
        counts[a] == counts[b] ? a < b : counts[b].lexicographicallyPrecedes(counts[a])
      }
      for (from, to) in zip(sorted, group.nodes) { target[from] = to }
    }
    var result = assignment
    for w in workloads {
      result.placed[w] = assignment.placed[w]
        .map { Problem.Placed(node: target[$0.node], replicas: $0.replicas) }
        .sorted { $0.node < $1.node }
    }
    return result
  }
}
