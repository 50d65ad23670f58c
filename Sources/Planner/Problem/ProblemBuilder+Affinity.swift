import Kubernetes
import Model
import Placement

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
    let kinds = affinityKinds(groups)
    guard !kinds.all.isEmpty else { return }
    let order = startOrder(kinds)
    for (w, k) in kinds.ofWorkload.sorted(by: { $0.key < $1.key }) {
      let kind = kinds.all[k]
      let own = order[w]
      // Others that start before it, and those of which only the ones that run already can be there first.
      let earlier = kind.partners.filter { order[$0] < own }
      let staying = kind.partners.filter { order[$0] >= own }
      // Who counts by one key alone hinders it by the others too; with a single key the rule sees that.
      let isFirst =
        staying.contains(w) && !kind.isAnchored && (earlier.isEmpty || Set(kind.terms.map(\.topologyKey)).count == 1)
      for (term, present) in zip(kind.terms, kind.present) {
        follow(w, term.topologyKey, earlier, staying, present, first: isFirst)
      }
    }
  }

  /// What workloads with affinity ask for: all that ask alike are of one kind.
  private struct AffinityKind {
    var terms: [PodAffinityTerm]
    /// The workloads whose pods match all terms.
    var partners: [Int]
    /// For each term the domains that hold pods that stay, and match all terms.
    var present: [[Bool]]

    var isAnchored: Bool { present.contains { $0.contains(true) } }
  }

  private struct AffinityKinds {
    var all: [AffinityKind] = []
    /// The kind of each workload that has affinity.
    var ofWorkload: [Int: Int] = [:]
  }

  private mutating func affinityKinds(_ groups: [FixedGroup]) -> AffinityKinds {
    struct Question: Hashable {
      var terms: [PodAffinityTerm]
      /// Who asks, with no more labels than the terms look at.
      var own: PodIdentity
    }
    var kinds = AffinityKinds()
    var known: [Question: Int] = [:]
    for w in planned.indices {
      let terms = planned[w].spec.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []
      guard !terms.isEmpty else { continue }
      let keys = Set(terms.flatMap { ($0.matchLabelKeys ?? []) + ($0.mismatchLabelKeys ?? []) })
      var own = identities[w]
      own.labels = own.labels.filter { keys.contains($0.key) }
      let question = Question(terms: terms, own: own)
      if known[question] == nil {
        let partners = identityIndex.candidates(terms.first?.labelSelector?.matchLabels).filter { v in
          terms.allSatisfy { $0.selects(identities[v], for: own) }
        }
        let counting = groups.filter { group in terms.allSatisfy { $0.selects(group.identity, for: own) } }
        let present = terms.map { domains(of: counting, by: $0.topologyKey) }
        known[question] = kinds.all.count
        kinds.all.append(AffinityKind(terms: terms, partners: partners, present: present))
      }
      kinds.ofWorkload[w] = known[question]
    }
    return kinds
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
  /// Workloads without affinity come before all of them, with −1.
  ///
  /// Those that wait for each other are ordered by themselves, after all that any of them waits for: next is who has
  /// another to be next to, and the first of its kind is only who has no others.
  private func startOrder(_ kinds: AffinityKinds) -> [Int] {
    let affine = kinds.ofWorkload.keys.sorted()
    // unique: they are the keys of a dictionary.
    let position = Dictionary(uniqueKeysWithValues: affine.enumerated().map { ($1, $0) })
    // A workload leads to what it asks for, and that to those that match it.
    let components = StrongComponents.find(count: affine.count + kinds.all.count) { v in
      v < affine.count
        ? [affine.count + (kinds.ofWorkload[affine[v]] ?? 0)]
        : kinds.all[v - affine.count].partners.compactMap { position[$0] }
    }
    var kindsOfPartner: [Int: [Int]] = [:]
    for (k, kind) in kinds.all.enumerated() {
      for v in kind.partners where position[v] != nil { kindsOfPartner[v, default: []].append(k) }
    }
    /// Whether some that match a kind are there before the next that asks for it. Who is not in order yet is not among them.
    var hasOthers = kinds.all.map { kind in kind.isAnchored || kind.partners.contains { position[$0] == nil } }
    var order = Array(repeating: -1, count: planned.count)
    var count = 0
    for component in components {
      var remaining = component.filter { $0 < affine.count }.sorted().map { affine[$0] }
      while !remaining.isEmpty {
        func hasOther(_ w: Int) -> Bool { kinds.ofWorkload[w].map { hasOthers[$0] } ?? false }
        func isOfItsKind(_ w: Int) -> Bool { kinds.ofWorkload[w].map { kinds.all[$0].partners.contains(w) } ?? false }
        let next = remaining.firstIndex(where: hasOther) ?? remaining.firstIndex(where: isOfItsKind) ?? 0
        let w = remaining.remove(at: next)
        order[w] = count
        count += 1
        for k in kindsOfPartner[w] ?? [] { hasOthers[k] = true }
      }
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
