/// A small set of constraints that cannot hold together, so that there is no placement. None of them can be left out.
public struct Conflict: Hashable, Sendable {
  /// Workloads whose replicas cannot all be placed.
  public var workloads: [Int]
  /// Resources that run out.
  public var resources: [Int]
  /// Workloads whose limits, of where they may run, take part.
  public var limited: [Int]
  /// Indices of ``Problem/rules``.
  public var rules: [Int]
  /// Whether the limit of moves takes part.
  public var moves: Bool

  /// Makes a conflict.
  public init(workloads: [Int], resources: [Int], limited: [Int] = [], rules: [Int] = [], moves: Bool = false) {
    self.workloads = workloads
    self.resources = resources
    self.limited = limited
    self.rules = rules
    self.moves = moves
  }
}

extension Problem {
  /// Finds out why there is no placement: GLPK proves that there is none, and goes on to prove it with ever fewer
  /// constraints (a deletion filter; Chinneck and Dravnieks 1991) as long as it can.
  ///
  /// Solves up to some hundred small programs, on this thread.
  ///
  /// - Parameters:
  ///   - nodeLimit: most subproblems of branch and bound for each proof.
  ///   - shouldStop: asked at times; true ends with the set so far, which is then not the smallest.
  /// - Returns: nil where it is not proven that there is no placement. Problems of more than 20,000 pairs of a workload
  ///   and a node are looked at workload by workload only.
  public func conflict(nodeLimit: Int = 1_000, shouldStop: @escaping () -> Bool = { false }) -> Conflict? {
    let filter = ConflictFilter(self, nodeLimit: nodeLimit, shouldStop: shouldStop)
    return filter.run()
  }

  /// Sentences that say a conflict, for ``PlacementError/conflicts``. Amounts of resources are in the problem's own
  /// units; `amount` writes those of resource `k` in another way.
  public func describe(_ conflict: Conflict, amount: ((Int64, Int) -> String)? = nil) -> [String] {
    let words = amount ?? { amount, k in "\(amount) \(resources[k])" }
    var sentences = conflict.workloads.map { w in
      let requested = conflict.resources.filter { requests[w * resources.count + $0] > 0 }
        .map { words(requests[w * resources.count + $0], $0) }
      let replicas = workloads[w].replicas
      return workloads[w].name
        + (requested.isEmpty
          ? " has \(replicas) \(replicas == 1 ? "replica" : "replicas")"
          : " needs \(replicas == 1 ? "" : "\(replicas) × ")\(requested.joined(separator: " and "))")
        + (conflict.limited.contains(w) ? " and \(describeLimits(w))" : "")
    }
    for w in conflict.limited where !conflict.workloads.contains(w) {
      sentences.append("\(workloads[w].name) \(describeLimits(w))")
    }
    for k in conflict.resources { sentences.append(describeRoom(k, for: conflict, words)) }
    for rule in conflict.rules { sentences.append(describe(rules[rule])) }
    if conflict.moves { sentences.append("at most \(weights.maxMoves ?? 0) replicas may move") }
    return sentences
  }

  private func describeLimits(_ w: Int) -> String {
    let allowed = nodes.indices.filter { limit(workload: w, node: $0) > 0 }
    guard let most = allowed.map({ limit(workload: w, node: $0) }).max() else { return "may run on no node" }
    let places = allowed.count == nodes.count ? "all nodes" : "\(list(allowed.map { nodes[$0].name })) only"
    return "may run on \(places)" + (most < workloads[w].replicas ? ", \(most) on each" : "")
  }

  /// What the nodes have left on which a conflict's workloads may run.
  private func describeRoom(_ k: Int, for conflict: Conflict, _ words: (Int64, Int) -> String) -> String {
    let everywhere = conflict.workloads.contains { !conflict.limited.contains($0) }
    let possible = nodes.indices.filter { n in
      everywhere || conflict.workloads.contains { limit(workload: $0, node: n) > 0 }
    }
    let left = possible.map { capacity(node: $0, resource: k) }
    guard possible.count > 4 else {
      let each = zip(possible, left).map { "\(nodes[$0].name) has \(words($1, k))" }
      return each.isEmpty ? "no node has \(resources[k]) for them" : "\(each.joined(separator: ", ")) left"
    }
    let sum = left.reduce(Int64(0)) { $0.addingReportingOverflow($1).overflow ? .max : $0 + $1 }
    return "\(possible.count) nodes have \(words(sum, k)) left in all, the largest \(words(left.max() ?? 0, k))"
  }

  /// What a rule asks for.
  private func describe(_ rule: Rule) -> String {
    let domain = partitions[rule.partition].name
    switch rule {
    case .atMost(let w, _, let count):
      return "\(workloads[w].name) may have at most \(count) in each \(domain)"
    case .apart(let w, let other, _):
      return "\(workloads[w].name) and \(workloads[other].name) must not share a \(domain)"
    case .together(let w, let others, let staying, _, _, let first):
      if first, others.isEmpty { return "\(workloads[w].name) must share one \(domain) with its own replicas" }
      let names = list(others.map { workloads[$0].name }, "or")
      let running = list(staying.map { workloads[$0].name }, "or")
      let pods = running.isEmpty ? "pods outside the plan" : "\(running), of which none may be the first"
      return "\(workloads[w].name) must share a \(domain) with \(names.isEmpty ? pods : names)"
    case .spread(let w, _, _, let maxSkew, _, _, _):
      return "\(workloads[w].name) must be spread: no \(domain) holds over \(maxSkew) more than the emptiest"
    }
  }

  private func list(_ names: [String], _ conjunction: String = "and") -> String {
    if names.count > 5 { return "\(names.prefix(3).joined(separator: ", ")) and \(names.count - 3) more" }
    guard let last = names.last, names.count > 1 else { return names.first ?? "" }
    return "\(names.dropLast().joined(separator: ", ")) \(conjunction) \(last)"
  }
}
