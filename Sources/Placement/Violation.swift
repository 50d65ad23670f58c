/// A constraint of a problem that a placement breaks.
public enum Violation: Hashable, Sendable {
  /// Another number of replicas is placed than wanted.
  case replicas(workload: Int, placed: Int, wanted: Int)
  /// A node holds more of a resource than it can give, pods outside the plan included.
  case capacity(node: Int, resource: Int, load: Int64, allocatable: Int64)
  /// A node holds more replicas than ``Problem/limitRows`` allow.
  case limit(workload: Int, node: Int, placed: Int, limit: Int)
  /// A rule does not hold in a domain of its partition; nil where a replica runs on a node in no domain.
  case rule(index: Int, domain: Int?)
}

extension Problem {
  /// Answers every constraint that a placement breaks, checked one by one from their definitions: the measure for all
  /// that places or counts more cleverly.
  public func violations(_ assignment: Assignment) -> [Violation] {
    var violations: [Violation] = []
    for (w, workload) in workloads.enumerated() {
      let placed = assignment.placed[w].reduce(0) { $0 + $1.replicas }
      if placed != workload.replicas {
        violations.append(.replicas(workload: w, placed: placed, wanted: workload.replicas))
      }
      for place in assignment.placed[w] {
        let limit = Int(limitRows[workload.limitRow][place.node])
        guard place.replicas > limit else { continue }
        violations.append(.limit(workload: w, node: place.node, placed: place.replicas, limit: limit))
      }
    }
    violations += overloads(assignment)
    for r in rules.indices {
      violations += brokenDomains(rules[r], assignment).map { .rule(index: r, domain: $0) }
    }
    return violations
  }

  /// A node that pods outside the plan alone overfill breaks nothing: no plan can mend that.
  private func overloads(_ assignment: Assignment) -> [Violation] {
    let load = load(assignment)
    return load.indices.compactMap { i in
      guard load[i] > allocatable[i], load[i] > reserved[i] else { return nil }
      return .capacity(
        node: i / resources.count,
        resource: i % resources.count,
        load: load[i],
        allocatable: allocatable[i]
      )
    }
  }

  /// The domains in which a rule does not hold, nil among them for nodes in no domain.
  private func brokenDomains(_ rule: Rule, _ assignment: Assignment) -> [Int?] {
    /// Replicas of a workload by domain; `outside` are those on nodes in no domain.
    func counts(_ w: Int, _ partition: Partition) -> (inside: [Int], outside: Int) {
      var inside = Array(repeating: 0, count: partition.count)
      var outside = 0
      for place in assignment.placed[w] {
        let domain = Int(partition.domain[place.node])
        if domain >= 0 { inside[domain] += place.replicas } else { outside += place.replicas }
      }
      return (inside, outside)
    }

    switch rule {
    case .atMost(let workload, let p, let count):
      return counts(workload, partitions[p]).inside.enumerated().filter { $0.element > count }.map(\.offset)
    case .apart(let workload, let other, let p):
      let (a, b) = (counts(workload, partitions[p]).inside, counts(other, partitions[p]).inside)
      return a.indices.filter { a[$0] > 0 && b[$0] > 0 }
    case .together(let workload, let others, let p, let present):
      let (own, outside) = counts(workload, partitions[p])
      let found = others.map { counts($0, partitions[p]).inside }
      let broken = own.indices.filter { d in own[d] > 0 && !present[d] && !found.contains { $0[d] > 0 } }
      return broken + (outside > 0 ? [nil] : [])
    case .spread(let workload, let members, let p, let maxSkew, let minDomains, let base, let eligible):
      let (own, outside) = counts(workload, partitions[p])
      var held = base
      for member in members {
        for (d, count) in counts(member, partitions[p]).inside.enumerated() { held[d] += count }
      }
      let domains = eligible.indices.filter { eligible[$0] }
      let emptiest = domains.count < minDomains ? 0 : domains.map { held[$0] }.min() ?? 0
      return domains.filter { own[$0] > 0 && held[$0] - emptiest > maxSkew } + (outside > 0 ? [nil] : [])
    }
  }

  /// A sentence on a violation. Amounts of resources are in the problem's own units; `amount` writes those of resource
  /// `k` in another way.
  public func describe(_ violation: Violation, amount: ((Int64, Int) -> String)? = nil) -> String {
    switch violation {
    case .replicas(let w, let placed, let wanted):
      return "\(workloads[w].name): \(placed) of \(wanted) replicas are placed"
    case .capacity(let n, let k, let load, let allocatable):
      let words = amount ?? { amount, k in "\(amount) \(resources[k])" }
      return "\(nodes[n].name): \(words(load, k)) requested of \(words(allocatable, k))"
    case .limit(let w, let n, let placed, let limit):
      return limit == 0
        ? "\(workloads[w].name) may not run on \(nodes[n].name)"
        : "\(workloads[w].name): \(placed) replicas on \(nodes[n].name), which may hold \(limit)"
    case .rule(let index, let domain):
      return describe(rules[index], in: domain)
    }
  }

  private func describe(_ rule: Rule, in domain: Int?) -> String {
    func place(_ p: Int) -> String {
      let partition = partitions[p]
      guard let domain else { return "a node without \(partition.name)" }
      let members = partition.domain.indices.filter { Int(partition.domain[$0]) == domain }.map { nodes[$0].name }
      let some = members.prefix(3).joined(separator: ", ") + (members.count > 3 ? ", …" : "")
      return members.count == 1 ? some : "one \(partition.name) (\(some))"
    }
    switch rule {
    case .atMost(let w, let p, let count):
      return "\(workloads[w].name): more than \(count) replicas on \(place(p)) (anti-affinity)"
    case .apart(let w, let other, let p):
      return "\(workloads[w].name) and \(workloads[other].name) share \(place(p)) (anti-affinity)"
    case .together(let w, let others, let p, _):
      let names = others.map { workloads[$0].name }.joined(separator: " or ")
      return
        "\(workloads[w].name) runs on \(place(p)) without \(names.isEmpty ? "what it must be with" : names) (affinity)"
    case .spread(let w, _, let p, let maxSkew, _, _, _):
      return "\(workloads[w].name): \(place(p)) holds over \(maxSkew) more than the emptiest (topology spread)"
    }
  }
}
