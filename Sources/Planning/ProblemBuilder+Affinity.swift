import Kubernetes
import Placement
import Topology

/// Required pod affinity.
///
/// A pod counts for a workload's affinity when it matches all of its terms, as in kube-scheduler's InterPodAffinity.
extension ProblemBuilder {
  mutating func keepTogether(_ groups: [FixedGroup]) {
    let terms = planned.map { $0.spec.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [] }
    let affine = planned.indices.filter { !terms[$0].isEmpty }
    var partners: [Int: [Int]] = [:]
    for w in affine {
      partners[w] = identityIndex.candidates(terms[w].first?.labelSelector?.matchLabels).filter { v in
        terms[w].allSatisfy { $0.selects(identities[v], for: identities[w]) }
      }
    }
    let selfAffine = Set(affine.filter { partners[$0]?.contains($0) ?? false })
    var free: [Int] = []
    for w in affine {
      let anchors = (partners[w] ?? []).filter { !selfAffine.contains($0) }
      let staying = groups.filter { group in
        terms[w].allSatisfy { $0.selects(group.identity, for: identities[w]) }
      }
      if selfAffine.contains(w), anchors.isEmpty, staying.isEmpty {
        free.append(w)
      } else {
        for term in terms[w] { follow(w, term.topologyKey, anchors, staying) }
      }
    }
    settle(free, terms: terms, partners: partners)
  }

  /// Each replica of `w` runs next to one of the anchors, or to a pod that stays.
  private mutating func follow(_ w: Int, _ key: String, _ anchors: [Int], _ staying: [FixedGroup]) {
    let domains = topology(key)
    let index = partition(key, domains)
    var present = Array(repeating: false, count: problem.partitions[index].count)
    for group in staying {
      for n in group.nodes.keys where domains[n] >= 0 { present[Int(domains[n])] = true }
    }
    if anchors.isEmpty {
      exclude(w, "next by \(key) to a pod that its affinity asks for") { domains[$0] < 0 || !present[Int(domains[$0])] }
    } else {
      exclude(w, "labelled \(key)") { domains[$0] < 0 }
      problem.rules.append(.together(workload: w, others: anchors, partition: index, present: present))
    }
  }

  /// Workloads whose pods want to be next to each other, with nobody there yet: kube-scheduler places the first pod
  /// anywhere and all others next to it, so that they end in one domain. Which one it is, is settled here: the one
  /// with room for most of the replicas, then with most of those that run now, then with most room.
  private mutating func settle(_ free: [Int], terms: [[PodAffinityTerm]], partners: [Int: [Int]]) {
    var remaining = free
    while let first = remaining.first {
      var group = [first]
      var next = 0
      while next < group.count {
        let w = group[next]
        let reached = remaining.filter { v in
          !group.contains(v) && (partners[w]?.contains(v) ?? false || partners[v]?.contains(w) ?? false)
        }
        group += reached
        next += 1
      }
      remaining.removeAll(where: group.contains)
      let keys = Set(group.flatMap { terms[$0].map(\.topologyKey) })
      // The finest key first: the domains of the others must overlap with its own.
      let byCount = keys.map { key in (key, topology(key)) }.sorted { a, b in
        ((b.1.max() ?? -1), a.0) < ((a.1.max() ?? -1), b.0)
      }
      let complete = nodes.indices.filter { n in byCount.allSatisfy { $0.1[n] >= 0 } }
      var shared = complete.isEmpty ? Array(nodes.indices) : complete
      for (key, domains) in byCount {
        let members = group.filter { w in terms[w].contains { $0.topologyKey == key } }
        let best = bestDomain(for: members, domains, among: Set(shared.map { domains[$0] }))
        shared.removeAll { domains[$0] != best }
        for w in members {
          exclude(w, "in the one \(key) that its replicas share") { domains[$0] < 0 || domains[$0] != best }
        }
        guard let best, let n = domains.firstIndex(of: best) else { continue }
        let value = nodes[n].labels[key] ?? nodes[n].metadata.name
        for w in members {
          warnings.add(
            "\(planned[w].specPath).affinity.podAffinity: the replicas must share one \(key); \(value) is taken",
            about: "\(planned[w].name)"
          )
        }
      }
    }
  }

  private func bestDomain(for members: [Int], _ domains: [Int32], among candidates: Set<Int32>) -> Int32? {
    var best: (domain: Int32, score: (Int, Int, Int64))?
    for domain in candidates.sorted() where domain >= 0 {
      let inside = nodes.indices.filter { domains[$0] == domain }
      var score: (Int, Int, Int64) = (0, 0, 0)
      for w in members {
        let room = inside.reduce(0) { $0 + problem.room(workload: w, node: $1, limit: limits[w][$1]) }
        score.0 += min(problem.workloads[w].replicas, room)
        score.1 += (problem.current[w] ?? []).reduce(0) { $0 + (domains[$1.node] == domain ? $1.replicas : 0) }
      }
      score.2 = inside.reduce(0) { $0 + problem.capacity(node: $1, resource: 0) / Int64(nodes.count) }
      if best.map({ score > $0.score }) ?? true { best = (domain, score) }
    }
    return best?.domain
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
