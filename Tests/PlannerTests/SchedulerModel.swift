import Kubernetes
import Model

/// kube-scheduler's filters, written down as literally as can be and without a thought of speed: whether a pod may be
/// scheduled on a node, given all others.
struct SchedulerModel {
  struct PlacedPod {
    var identity: PodIdentity
    var spec: PodSpec
    var node: Node
    var isTerminating = false
  }

  var nodes: [Node]

  func allows(_ pod: PlacedPod, beside others: [PlacedPod]) -> Bool {
    // The scheduler knows nodes that are not ready by their taint; no plan takes them, whatever a pod tolerates.
    !pod.node.isKnownNotReady && pod.spec.selects(pod.node) && pod.spec.toleratesTaints(of: pod.node)
      && fits(pod, others)
      && hasFreePorts(pod, others) && isKeptApart(pod, others) && isNextToOthers(pod, others) && isSpread(pod, others)
  }

  private func fits(_ pod: PlacedPod, _ others: [PlacedPod]) -> Bool {
    let here = others.filter { $0.node.metadata.name == pod.node.metadata.name } + [pod]
    return pod.spec.effectiveRequests.keys.allSatisfy { resource in
      let used = here.reduce(Quantity.zero) { $0 + ($1.spec.effectiveRequests[resource] ?? .zero) }
      return used <= pod.node.allocatable[resource] ?? .zero
    }
  }

  private func hasFreePorts(_ pod: PlacedPod, _ others: [PlacedPod]) -> Bool {
    others.allSatisfy { other in
      other.node.metadata.name != pod.node.metadata.name
        || !pod.spec.hostPorts.contains { port in other.spec.hostPorts.contains { $0.conflicts(with: port) } }
    }
  }

  private func share(_ key: String, _ a: Node, _ b: Node) -> Bool {
    a.labels[key] != nil && a.labels[key] == b.labels[key]
  }

  private func isKeptApart(_ pod: PlacedPod, _ others: [PlacedPod]) -> Bool {
    func keepsAway(_ holder: PlacedPod, _ other: PlacedPod) -> Bool {
      let terms = holder.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []
      return terms.contains {
        $0.selects(other.identity, for: holder.identity) && share($0.topologyKey, holder.node, other.node)
      }
    }
    return others.allSatisfy { !keepsAway(pod, $0) && !keepsAway($0, pod) }
  }

  private func isNextToOthers(_ pod: PlacedPod, _ others: [PlacedPod]) -> Bool {
    let terms = pod.spec.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []
    guard terms.allSatisfy({ pod.node.labels[$0.topologyKey] != nil }) else { return false }
    func matchesAll(_ other: PlacedPod) -> Bool { terms.allSatisfy { $0.selects(other.identity, for: pod.identity) } }
    let matching = others.filter(matchesAll)
    if terms.allSatisfy({ term in matching.contains { share(term.topologyKey, $0.node, pod.node) } }) { return true }
    // The first of a group whose pods want to be together may go anywhere.
    return !matching.contains { other in terms.contains { other.node.labels[$0.topologyKey] != nil } }
      && matchesAll(pod)
  }

  private func isSpread(_ pod: PlacedPod, _ others: [PlacedPod]) -> Bool {
    let constraints = (pod.spec.topologySpreadConstraints ?? []).filter { $0.whenUnsatisfiable == "DoNotSchedule" }
    return constraints.allSatisfy { constraint in
      let counted = nodes.filter { node in
        constraints.allSatisfy { node.labels[$0.topologyKey] != nil }
          && (constraint.nodeAffinityPolicy == "Ignore" || pod.spec.selects(node))
          && (constraint.nodeTaintsPolicy != "Honor" || pod.spec.toleratesTaints(of: node))
      }
      var matching = Dictionary(
        counted.map { ($0.labels[constraint.topologyKey] ?? "", 0) },
        uniquingKeysWith: { first, _ in first }
      )
      for other in others
      where !other.isTerminating && counted.contains(where: { $0.metadata.name == other.node.metadata.name })
        && constraint.counts(other.identity, for: pod.identity)
      {
        matching[other.node.labels[constraint.topologyKey] ?? "", default: 0] += 1
      }
      guard constraints.allSatisfy({ pod.node.labels[$0.topologyKey] != nil }) else { return false }
      let here = matching[pod.node.labels[constraint.topologyKey] ?? ""] ?? 0
      let own = constraint.counts(pod.identity, for: pod.identity) ? 1 : 0
      let emptiest = matching.count < Int(constraint.minDomains ?? 1) ? 0 : matching.values.min() ?? 0
      return here + own - emptiest <= Int(constraint.maxSkew)
    }
  }
}
