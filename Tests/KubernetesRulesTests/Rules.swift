/// Kubernetes' rules for where pods may run, written down from its documentation, as plainly as can be, one function for
/// each of kube-scheduler's filters. Nothing here is shared with the planner; README.md says what a valid placement is.
struct Rules {
  /// What pods of one template look like to the scheduler.
  struct Kind {
    var namespace: String
    var labels: [String: String]
    var spec: Cluster.PodSpec
    var requests: [String: Int]
    var hostPorts: [HostPort]
    var isTerminating = false
  }

  /// A pod on a node, both by index.
  struct Placed: Hashable {
    var kind: Int
    var node: Int
  }

  struct HostPort {
    var number: Int
    var name: String
    var address: String
  }

  let cluster: Cluster
  /// The pods of each workload, then each of the others.
  let kinds: [Kind]
  /// The pods that stay where they are.
  let staying: [Placed]
  /// How many pods of each workload run on each node.
  let running: [[Int]]

  // What depends on no other pod is looked up again and again.

  /// What a kind fails of on a node whatever else runs.
  let failuresByNode: [[[Failure]]]
  /// Which kinds each term of a kind selects: `[kind][term][other]`.
  private let affinityMatches: [[[Bool]]]
  private let antiAffinityMatches: [[[Bool]]]
  /// Which kinds each spread constraint of a kind counts, and on which nodes.
  private let spreadMatches: [[[Bool]]]
  private let spreadNodes: [[[Bool]]]

  init(_ cluster: Cluster) {
    self.cluster = cluster
    let nodeIndex = Dictionary(uniqueKeysWithValues: cluster.nodes.enumerated().map { ($0.element.name, $0.offset) })
    var kinds = cluster.workloads.map { Kind($0.namespace, $0.podLabels, $0.spec) }
    var staying: [Placed] = []
    func stay(_ kind: Kind, on names: [String]) {
      staying += names.compactMap { nodeIndex[$0] }.map { Placed(kind: kinds.count, node: $0) }
      kinds.append(kind)
    }
    for pod in cluster.others where pod.phase != "Succeeded" && pod.phase != "Failed" {
      let kind = Kind(pod.namespace, pod.labels, pod.spec, isTerminating: pod.isTerminating)
      stay(kind, on: [pod.node].compactMap { $0 })
    }
    for workload in cluster.workloads {
      var kind = Kind(workload.namespace, workload.podLabels, workload.spec)
      // On nodes that do not answer, pods are until somebody is sure that they are not.
      let silent = cluster.nodes.filter { !$0.isReady }.map(\.name)
      stay(kind, on: workload.pods.compactMap { $0 }.filter(silent.contains))
      kind.isTerminating = true
      stay(kind, on: workload.leaving)
    }
    for set in cluster.daemonSets {
      stay(Kind(set.namespace, set.labels, set.spec), on: set.targets(among: cluster.nodes))
    }
    self.kinds = kinds
    self.staying = staying
    running = cluster.workloads.map { workload in
      cluster.nodes.map { node in node.isReady ? workload.pods.count { $0 == node.name } : 0 }
    }
    failuresByNode = kinds.map { kind in
      let volumes = cluster.volumes.filter {
        $0.namespace == kind.namespace && kind.spec.claims.contains($0.claim)
      }
      return cluster.nodes.map { node in
        Self.failures(of: kind.spec, on: node) + (volumes.allSatisfy { $0.isReachable(from: node) } ? [] : [.volumes])
      }
    }
    affinityMatches = kinds.map { kind in kind.spec.affinity.map { term in kinds.map { term.selects($0, for: kind) } } }
    antiAffinityMatches = kinds.map { kind in
      kind.spec.antiAffinity.map { term in kinds.map { term.selects($0, for: kind) } }
    }
    spreadMatches = kinds.map { kind in
      kind.spec.requiredSpreads.map { spread in kinds.map { spread.counts($0, for: kind) } }
    }
    spreadNodes = kinds.map { kind in
      kind.spec.requiredSpreads.map { spread in cluster.nodes.map { spread.counts($0, for: kind.spec) } }
    }
  }

  /// Whether a workload's affinity selects its own pods and those of another: where its first pod may start then hangs on
  /// whose turn came first.
  var dependsOnTurns: Bool {
    let workloads = cluster.workloads.indices
    return workloads.contains { own in
      let terms = affinityMatches[own]
      return !terms.isEmpty && terms.allSatisfy { $0[own] }
        && workloads.contains { other in other != own && terms.allSatisfy { $0[other] } }
    }
  }

  /// What a pod fails of, told apart as finely as what may be broken for itself: a term, a constraint, a resource.
  enum Failure: Hashable {
    case notReady
    case nodeUnschedulable
    case taintToleration
    case nodeAffinity
    case volumes
    /// A volume for one pod is in use by another.
    case volumeInUse
    case resources(String)
    case ports
    /// Another kind, and the label by whose domains one of the two keeps the other away.
    case antiAffinity(Int, key: String)
    case affinity(term: Int)
    case spread(constraint: Int)
  }

  /// Whether kube-scheduler would start a pod of a kind on a node, given all pods that are there.
  func allows(_ kind: Int, on node: Int, beside pods: [Placed]) -> Bool {
    failures(of: kind, on: node, beside: pods).isEmpty
  }

  /// Of what kube-scheduler's filters a pod of a kind fails on a node, given all pods that are there.
  func failures(of kind: Int, on node: Int, beside pods: [Placed]) -> Set<Failure> {
    Set(
      failuresByNode[kind][node] + missingResources(of: kind, on: node, beside: pods)
        + (hasFreePorts(kind, on: node, beside: pods) ? [] : [.ports])
        + (hasFreeVolumes(kind, beside: pods) ? [] : [.volumeInUse])
        + repulsions(of: kind, on: node, beside: pods) + missingCompany(of: kind, on: node, beside: pods)
        + uneven(kind, on: node, beside: pods))
  }

  // MARK: The node alone

  private static func failures(of spec: Cluster.PodSpec, on node: Cluster.Node) -> [Failure] {
    var failures: [Failure] = []
    // Kubernetes evicts from nodes that do not answer, but lets pods that tolerate all be started there; no plan does.
    if !node.isReady { failures.append(.notReady) }
    if node.isCordoned, !spec.tolerates(.cordon) { failures.append(.nodeUnschedulable) }
    if !spec.tolerates(node.taints, effects: ["NoSchedule", "NoExecute"]) { failures.append(.taintToleration) }
    if !spec.selects(node) { failures.append(.nodeAffinity) }
    return failures
  }

  /// Whether the volumes that a replica has for itself can be reached from a node: the filters VolumeBinding and
  /// VolumeZone.
  func reachesVolumes(_ workload: Int, replica: Int, from node: Int) -> Bool {
    let workload = cluster.workloads[workload]
    let claims = workload.ownClaims(ofReplica: replica)
    return cluster.volumes.filter { $0.namespace == workload.namespace && claims.contains($0.claim) }
      .allSatisfy { $0.isReachable(from: cluster.nodes[node]) }
  }

  // MARK: The node and what runs on it

  /// Resources that a pod does not request are not looked at; the number of pods always is.
  private func missingResources(of kind: Int, on node: Int, beside pods: [Placed]) -> [Failure] {
    let here = pods.filter { $0.node == node }
    let room = cluster.nodes[node].room
    let missing = kinds[kind].requests.filter { resource, amount in
      let used = here.reduce(0) { $0 + (kinds[$1.kind].requests[resource] ?? 0) }
      return amount > 0 && amount > (room[resource] ?? 0) - used
    }
    return missing.keys.map { .resources($0) } + (here.count + 1 > room["pods"] ?? 0 ? [.resources("pods")] : [])
  }

  private func hasFreePorts(_ kind: Int, on node: Int, beside pods: [Placed]) -> Bool {
    let wanted = kinds[kind].hostPorts
    if wanted.isEmpty { return true }
    return !pods.contains { pod in
      pod.node == node && kinds[pod.kind].hostPorts.contains { taken in wanted.contains { $0.collides(with: taken) } }
    }
  }

  // MARK: The node and what runs around it

  /// A claim that is `ReadWriteOncePod` is for one pod of the cluster. Here only pods of one workload share claims.
  private func hasFreeVolumes(_ kind: Int, beside pods: [Placed]) -> Bool {
    let isForOnePod = cluster.volumes.contains {
      $0.isForOnePod && $0.namespace == kinds[kind].namespace && kinds[kind].spec.claims.contains($0.claim)
    }
    return !isForOnePod || !pods.contains { kinds[$0.kind].spec.claims == kinds[kind].spec.claims }
  }

  private func share(_ key: String, _ a: Int, _ b: Int) -> Bool {
    guard let value = cluster.nodes[a].labels[key] else { return false }
    return cluster.nodes[b].labels[key] == value
  }

  /// The pod's own anti-affinity, and that of each pod that runs.
  private func repulsions(of kind: Int, on node: Int, beside pods: [Placed]) -> [Failure] {
    var failures: [Failure] = []
    for pod in pods {
      let own = zip(kinds[kind].spec.antiAffinity, antiAffinityMatches[kind]).filter { $1[pod.kind] }
      let others = zip(kinds[pod.kind].spec.antiAffinity, antiAffinityMatches[pod.kind]).filter { $1[kind] }
      for (term, _) in own + others where share(term.key, node, pod.node) {
        failures.append(.antiAffinity(pod.kind, key: term.key))
      }
    }
    return failures
  }

  /// For each term, a pod that all terms select shares the term's domain. Where no such pod is in any domain of any term,
  /// a pod that its own terms select may be the first.
  private func missingCompany(of kind: Int, on node: Int, beside pods: [Placed]) -> [Failure] {
    let terms = kinds[kind].spec.affinity
    if terms.isEmpty { return [] }
    let selected = pods.filter { pod in affinityMatches[kind].allSatisfy { $0[pod.kind] } }
    let isFirst =
      !selected.contains { pod in terms.contains { cluster.nodes[pod.node].labels[$0.key] != nil } }
      && affinityMatches[kind].allSatisfy { $0[kind] }
    return terms.indices.filter { t in
      isFirst
        ? cluster.nodes[node].labels[terms[t].key] == nil
        : !selected.contains { share(terms[t].key, node, $0.node) }
    }.map { .affinity(term: $0) }
  }

  /// The pod's domain may hold at most `maxSkew` more pods than the emptiest one.
  private func uneven(_ kind: Int, on node: Int, beside pods: [Placed]) -> [Failure] {
    kinds[kind].spec.requiredSpreads.enumerated().filter { s, spread in
      guard let own = cluster.nodes[node].labels[spread.key] else { return true }
      // Where its node does not count, it could not be started anyway.
      if !spreadNodes[kind][s][node] { return false }
      var counts: [String: Int] = [:]
      for n in cluster.nodes.indices where spreadNodes[kind][s][n] {
        guard let domain = cluster.nodes[n].labels[spread.key] else { continue }
        counts[domain, default: 0] += pods.count { pod in
          pod.node == n && spreadMatches[kind][s][pod.kind] && !kinds[pod.kind].isTerminating
        }
      }
      let emptiest = counts.count < spread.minDomains ?? 1 ? 0 : counts.values.min() ?? 0
      let selfCount = spreadMatches[kind][s][kind] ? 1 : 0
      return (counts[own] ?? 0) + selfCount - emptiest > spread.maxSkew
    }.map { .spread(constraint: $0.offset) }
  }
}

extension Rules.Kind {
  init(_ namespace: String, _ labels: [String: String], _ spec: Cluster.PodSpec, isTerminating: Bool = false) {
    self.init(
      namespace: namespace, labels: labels, spec: spec, requests: spec.requests, hostPorts: spec.hostPorts,
      isTerminating: isTerminating)
  }
}

extension Rules.HostPort {
  func collides(with other: Self) -> Bool {
    number == other.number && name == other.name
      && (address == other.address || address == "0.0.0.0" || other.address == "0.0.0.0")
  }
}
