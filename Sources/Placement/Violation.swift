/// A constraint of a problem that a placement breaks.
public enum Violation: Hashable, Sendable {
  /// Another number of replicas is placed than wanted.
  case replicas(workload: Int, placed: Int, wanted: Int)
  /// A node holds more of a resource than it can give, pods outside the plan included, and not only because of what
  /// stays there.
  case capacity(node: Int, resource: Int, load: Int64, allocatable: Int64)
  /// A node holds more replicas than ``Problem/limitRows`` allow and than run there.
  case limit(workload: Int, node: Int, placed: Int, limit: Int)
  /// A rule does not hold in a domain of its partition; nil where a replica runs on a node in no domain.
  case rule(index: Int, domain: Int?)
}

extension Problem {
  /// Answers every constraint that a placement breaks, checked one by one from their definitions: the measure for all
  /// that places or counts more cleverly. What runs now and stays breaks nothing where Kubernetes lets it.
  public func violations(_ assignment: Assignment) -> [Violation] {
    var violations: [Violation] = []
    let staying = Staying(self)
    for (w, workload) in workloads.enumerated() {
      let placed = assignment.placed[w].reduce(0) { $0 + $1.replicas }
      if placed != workload.replicas {
        violations.append(.replicas(workload: w, placed: placed, wanted: workload.replicas))
      }
      for place in assignment.placed[w] {
        let limit = max(startLimit(workload: w, node: place.node), staying.count(w, on: place.node))
        guard place.replicas > limit else { continue }
        violations.append(.limit(workload: w, node: place.node, placed: place.replicas, limit: limit))
      }
    }
    violations += overloads(assignment, staying)
    for (index, rule) in rules.enumerated() {
      let counts = PlacedCounts(partitions[rule.partition], assignment, staying)
      let known = staying.broken[index]
      for domain in brokenDomains(rule, counts) {
        // What is broken already stays so until a replica starts there.
        if let domain, !known.isEmpty, known[domain], rule.bound.allSatisfy({ counts.of($0).starting[domain] == 0 }) {
          continue
        }
        violations.append(.rule(index: index, domain: domain))
      }
    }
    return violations
  }

  /// A node that is too full without anything that starts there breaks nothing.
  private func overloads(_ assignment: Assignment, _ staying: Staying) -> [Violation] {
    let load = load(assignment)
    var takes = Array(repeating: false, count: load.count)
    for (w, placed) in assignment.placed.enumerated() {
      for place in placed where place.replicas > staying.count(w, on: place.node) {
        for k in resources.indices where requests[w * resources.count + k] > 0 {
          takes[place.node * resources.count + k] = true
        }
      }
    }
    return load.indices.compactMap { i in
      guard load[i] > allocatable[i], takes[i] else { return nil }
      return .capacity(
        node: i / resources.count,
        resource: i % resources.count,
        load: load[i],
        allocatable: allocatable[i]
      )
    }
  }

  /// The domains in which a rule does not hold, nil among them for nodes in no domain.
  private func brokenDomains(_ rule: Rule, _ counts: PlacedCounts) -> [Int?] {
    switch rule {
    case .atMost(let workload, _, let count):
      return counts.of(workload).inside.enumerated().filter { $0.element > count }.map(\.offset)
    case .apart(let workload, let other, _):
      let (a, b) = (counts.of(workload).inside, counts.of(other).inside)
      return a.indices.filter { a[$0] > 0 && b[$0] > 0 }
    case .together(let workload, let others, let staying, _, let present, let first):
      let own = counts.of(workload)
      let found = others.map { counts.of($0).inside } + staying.filter { $0 != workload }.map { counts.of($0).staying }
      let isOfItsKind = staying.contains(workload)
      let alone = own.inside.indices.filter { d in
        if own.inside[d] == 0 || present[d] || found.contains(where: { $0[d] > 0 }) { return false }
        return !isOfItsKind || own.inside[d] == 1 || own.staying[d] == 0
      }
      let isFirst =
        first && alone.count == 1
        && ([workload] + others + staying).map { counts.of($0).inside }.allSatisfy { $0.reduce(0, +) == $0[alone[0]] }
      return (isFirst ? [] : alone) + (own.startingOutside > 0 ? [nil] : [])
    case .spread(let workload, let members, _, let maxSkew, let minDomains, let base, let eligible):
      let own = counts.of(workload)
      var held = base
      for member in members {
        for (d, count) in counts.of(member).inside.enumerated() { held[d] += count }
      }
      let domains = eligible.indices.filter { eligible[$0] }
      let emptiest = domains.count < minDomains ? 0 : domains.map { held[$0] }.min() ?? 0
      return domains.filter { own.inside[$0] > 0 && held[$0] - emptiest > maxSkew }
        + (own.startingOutside > 0 ? [nil] : [])
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
    case .together(let w, let others, let staying, let p, _, _):
      let names = (others + staying.filter { !others.contains($0) })
        .map { $0 == w ? "others of its own" : workloads[$0].name }
      let missing = names.isEmpty ? "what it must be with" : names.joined(separator: " or ")
      return "\(workloads[w].name) runs on \(place(p)) without \(missing) (affinity)"
    case .spread(let w, _, let p, let maxSkew, _, _, _):
      return "\(workloads[w].name): \(place(p)) holds over \(maxSkew) more than the emptiest (topology spread)"
    }
  }
}

/// The replicas that a placement has in each domain of a partition.
private struct PlacedCounts {
  /// Replicas of one workload.
  struct Counts {
    /// In each domain.
    var inside: [Int]
    /// Those of them beyond what runs on their node now and may stay.
    var starting: [Int]
    var startingOutside = 0

    var staying: [Int] { zip(inside, starting).map { $0 - $1 } }
  }

  private let partition: Problem.Partition
  private let assignment: Assignment
  private let staying: Staying

  init(_ partition: Problem.Partition, _ assignment: Assignment, _ staying: Staying) {
    self.partition = partition
    self.assignment = assignment
    self.staying = staying
  }

  func of(_ w: Int) -> Counts {
    let none = Array(repeating: 0, count: partition.count)
    var counts = Counts(inside: none, starting: none)
    for place in assignment.placed[w] {
      let domain = Int(partition.domain[place.node])
      let starting = max(0, place.replicas - staying.count(w, on: place.node))
      if domain >= 0 {
        counts.inside[domain] += place.replicas
        counts.starting[domain] += starting
      } else {
        counts.startingOutside += starting
      }
    }
    return counts
  }
}
