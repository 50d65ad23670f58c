import Kubernetes
import Model
import Placement

/// Topology spread constraints that must hold (`DoNotSchedule`).
extension ProblemBuilder {
  mutating func spread(_ groups: [FixedGroup]) {
    /// What decides which nodes are counted; constraints that agree on it share a partition.
    struct Counting: Hashable {
      var keys: [String]
      var key: String
      var nodeAffinityPolicy: String?
      var nodeTaintsPolicy: String?
      var demands: NodeDemands
    }
    var known: [Counting: [Int32]] = [:]
    for w in planned.indices {
      let own = planned[w]
      let constraints = (own.spec.topologySpreadConstraints ?? []).filter { $0.whenUnsatisfiable == "DoNotSchedule" }
      let topologies = constraints.map { topology($0.topologyKey) }
      for (constraint, domains) in zip(constraints, topologies) {
        let question = Counting(
          keys: constraints.map(\.topologyKey),
          key: constraint.topologyKey,
          nodeAffinityPolicy: constraint.nodeAffinityPolicy,
          nodeTaintsPolicy: constraint.nodeTaintsPolicy,
          demands: NodeDemands(own.spec)
        )
        let counted = known[question] ?? count(domains, of: topologies, constraint, own.spec)
        known[question] = counted
        let domainCount = Int(clamping: counted.max() ?? -1) + 1
        exclude(w, "counted by its spread over \(constraint.topologyKey)") { counted[$0] < 0 }

        var base = Array(repeating: 0, count: domainCount)
        for group in groups where !group.isTerminating && constraint.counts(group.identity, for: identities[w]) {
          for (n, count) in group.nodes where counted[n] >= 0 { base[Int(counted[n])] += count }
        }
        problem.rules.append(
          .spread(
            workload: w,
            members: identityIndex.candidates(constraint.labelSelector?.matchLabels)
              .filter { constraint.counts(identities[$0], for: identities[w]) },
            partition: partition(constraint.topologyKey, counted),
            maxSkew: max(1, Int(clamping: constraint.maxSkew)),
            minDomains: Int(constraint.minDomains ?? 1),
            base: base,
            eligible: Array(repeating: true, count: domainCount)
          )
        )
      }
    }
  }

  /// The domain of each node that a constraint counts, from 0; −1 for the others.
  ///
  /// Nodes that are not counted take no replicas either: by the constraint itself for want of a key, by node affinity or
  /// taints otherwise. So one partition says both.
  private func count(
    _ domains: [Int32], of topologies: [[Int32]], _ constraint: TopologySpreadConstraint, _ spec: PodSpec
  ) -> [Int32] {
    var counted: [Int32] = []
    var number: [Int32: Int32] = [:]
    for (n, node) in nodes.enumerated() {
      let isCounted =
        topologies.allSatisfy { $0[n] >= 0 }
        && (constraint.nodeAffinityPolicy == "Ignore" || spec.selects(node))
        && (constraint.nodeTaintsPolicy != "Honor" || spec.toleratesTaints(of: node))
      guard isCounted else {
        counted.append(-1)
        continue
      }
      let next = Int32(number.count)
      counted.append(number[domains[n], default: next])
      number[domains[n]] = counted[n]
    }
    return counted
  }
}
