import Kubernetes
import Placement
import Topology

/// Required pod affinity.
///
/// A pod counts for a workload's affinity when it matches all of its terms, as in kube-scheduler's InterPodAffinity.
///
/// kube-scheduler starts a pod next to one that counts. Only where there is none in the whole cluster, and the pod counts
/// for its own affinity, it may go anywhere, as the first of its kind. So workloads that want to be next to each other in
/// a circle have to start from one that may be the first, or from pods that run already; where there is neither, none of
/// them ever starts.
extension ProblemBuilder {
  mutating func keepTogether(_ groups: [FixedGroup]) {
    let terms = planned.map { $0.spec.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [] }
    let affine = planned.indices.filter { !terms[$0].isEmpty }
    var partners: [Int: [Int]] = [:]
    var present: [Int: [[Bool]]] = [:]
    for w in affine {
      partners[w] = identityIndex.candidates(terms[w].first?.labelSelector?.matchLabels).filter { v in
        terms[w].allSatisfy { $0.selects(identities[v], for: identities[w]) }
      }
      let counting = groups.filter { group in
        terms[w].allSatisfy { $0.selects(group.identity, for: identities[w]) }
      }
      present[w] = terms[w].map { domains(of: counting, by: $0.topologyKey) }
    }
    let order = startOrder(affine, partners) { w in present[w]?.contains { $0.contains(true) } ?? false }
    for w in affine {
      let own = order[w] ?? 0
      // Others that start before it, and those of which only the ones that run already can be there first.
      let earlier = (partners[w] ?? []).filter { (order[$0] ?? -1) < own }
      let staying = (partners[w] ?? []).filter { (order[$0] ?? -1) >= own }
      // Who counts by one key alone hinders it by the others too; with a single key the rule sees that.
      let isFirst =
        staying.contains(w) && present[w]?.contains { $0.contains(true) } != true
        && (earlier.isEmpty || Set(terms[w].map(\.topologyKey)).count == 1)
      for (term, present) in zip(terms[w], present[w] ?? []) {
        follow(w, term.topologyKey, earlier, staying, present, first: isFirst)
      }
    }
  }

  /// The domains that hold some pods that stay.
  private mutating func domains(of groups: [FixedGroup], by key: String) -> [Bool] {
    let domains = topology(key)
    var present = Array(repeating: false, count: problem.partitions[partition(key, domains)].count)
    for group in groups {
      for n in group.nodes.keys where domains[n] >= 0 { present[Int(domains[n])] = true }
    }
    return present
  }

  /// An order in which workloads with affinity can start, each next to some that come before, as far as there is one.
  /// Workloads without affinity come before all of them.
  private func startOrder(_ affine: [Int], _ partners: [Int: [Int]], isAnchored: (Int) -> Bool) -> [Int: Int] {
    let isAffine = Set(affine)
    /// The workloads with affinity that a workload waits for, directly or not.
    let awaited = affine.map { w in
      var known: Set<Int> = []
      var next = [w]
      while let v = next.popLast() {
        for u in partners[v] ?? [] where isAffine.contains(u) && known.insert(u).inserted { next.append(u) }
      }
      return (w, known)
    }
    let awaits = Dictionary(uniqueKeysWithValues: awaited)
    var order: [Int: Int] = [:]
    var remaining = affine
    func hasOther(_ w: Int) -> Bool {
      isAnchored(w) || (partners[w] ?? []).contains { $0 != w && (!isAffine.contains($0) || order[$0] != nil) }
    }
    while !remaining.isEmpty {
      // Those that wait for none but who waits for them too. The first of its kind is only who has no others.
      let ready = remaining.filter { w in
        (awaits[w] ?? []).allSatisfy { order[$0] != nil || awaits[$0]?.contains(w) ?? false }
      }
      let next =
        ready.first(where: hasOther) ?? ready.first { partners[$0]?.contains($0) ?? false } ?? ready.first
        ?? remaining[0]
      remaining.removeAll { $0 == next }
      order[next] = order.count
    }
    return order
  }

  /// Each replica of `w` runs next to one of the others, or to a pod that stays.
  private mutating func follow(
    _ w: Int, _ key: String, _ others: [Int], _ staying: [Int], _ present: [Bool], first: Bool
  ) {
    let domains = topology(key)
    let index = partition(key, domains)
    guard others.isEmpty, staying.isEmpty else {
      exclude(w, "labelled \(key)") { domains[$0] < 0 }
      // A single replica that may be the first is right anywhere.
      if first, others.isEmpty, staying == [w], problem.workloads[w].replicas == 1 { return }
      problem.rules.append(
        .together(workload: w, others: others, staying: staying, partition: index, present: present, first: first))
      return
    }
    exclude(w, "next by \(key) to a pod that its affinity asks for") { domains[$0] < 0 || !present[Int(domains[$0])] }
  }
}

extension Problem {
  /// How many replicas of a workload a node has room for, were it alone, with at most `limit` of them.
  func room(workload w: Int, node n: Int, limit: Int32) -> Int {
    var room = min(workloads[w].replicas, Int(limit))
    for k in resources.indices where requests[w * resources.count + k] > 0 {
      room = min(room, Int(clamping: capacity(node: n, resource: k) / requests[w * resources.count + k]))
    }
    return room
  }
}
