import Kubernetes
import Model
import Placement

/// Required pod anti-affinity, in both directions: Kubernetes also keeps new pods away from running ones that want it.
extension ProblemBuilder {
  mutating func keepApart(_ groups: [FixedGroup]) {
    var pairs: Set<Problem.Rule> = []
    for w in planned.indices {
      let terms = planned[w].spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []
      for term in terms {
        let own = identities[w]
        let domains = topology(term.topologyKey)
        var taken: Set<Int32> = []
        for group in groups where term.selects(group.identity, for: own) {
          for n in group.nodes.keys { taken.insert(domains[n]) }
        }
        block(w, taken, domains, term.topologyKey)
        for v in identityIndex.candidates(term.labelSelector?.matchLabels)
        where term.selects(identities[v], for: own) {
          if v == w {
            if domains.isNodeByNode {
              limit(w, to: 1) { domains[$0] >= 0 }
            } else {
              let rule = Problem.Rule.atMost(workload: w, partition: partition(term.topologyKey, domains), count: 1)
              if pairs.insert(rule).inserted { problem.rules.append(rule) }
            }
          } else {
            separate(w, v, partition(term.topologyKey, domains), &pairs)
          }
        }
      }
    }
    keepAwayFromFixedPods()
  }

  /// Adds the rule that two workloads never share a domain, once.
  private mutating func separate(_ w: Int, _ v: Int, _ partition: Int, _ pairs: inout Set<Problem.Rule>) {
    let rule = Problem.Rule.apart(workload: min(w, v), other: max(w, v), partition: partition)
    if pairs.insert(rule).inserted { problem.rules.append(rule) }
  }

  private mutating func block(_ w: Int, _ taken: Set<Int32>, _ domains: [Int32], _ key: String) {
    let taken = taken.subtracting([-1])
    if !taken.isEmpty {
      exclude(w, "away by \(key) from pods that stay (anti-affinity)") { taken.contains(domains[$0]) }
    }
  }

  /// Fixed pods with anti-affinity keep replicas away from their domains.
  private mutating func keepAwayFromFixedPods() {
    struct Claim: Hashable {
      var term: PodAffinityTerm
      /// The pod that has the term, with no more labels than the term looks at.
      var own: PodIdentity
    }
    var nodesOfClaim: [Claim: Set<Int>] = [:]
    var claims: [Claim] = []
    for pod in fixed {
      for term in pod.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [] {
        let keys = (term.matchLabelKeys ?? []) + (term.mismatchLabelKeys ?? [])
        var own = pod.identity
        own.labels = own.labels.filter { keys.contains($0.key) }
        let claim = Claim(term: term, own: own)
        if nodesOfClaim[claim] == nil { claims.append(claim) }
        nodesOfClaim[claim, default: []].insert(pod.node)
      }
    }
    for claim in claims {
      let domains = topology(claim.term.topologyKey)
      let taken = Set((nodesOfClaim[claim] ?? []).map { domains[$0] })
      for w in identityIndex.candidates(claim.term.labelSelector?.matchLabels) {
        if claim.term.selects(identities[w], for: claim.own) { block(w, taken, domains, claim.term.topologyKey) }
      }
    }
  }
}
