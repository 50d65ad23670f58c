import Kubernetes
import Model
import Placement

/// Nodes, zones, resources and the current placement.
extension ProblemBuilder {
  mutating func makeProblem() {
    let resources = plannedResources()
    var zones: [String] = []
    let problemNodes = nodes.map { node in
      let zone = Self.zone(of: node)
      let index = zones.firstIndex(of: zone) ?? zones.count
      if index == zones.count { zones.append(zone) }
      return Problem.Node(name: node.metadata.name, zone: index)
    }
    var names: Set<WorkloadName> = []
    let workloads = planned.map { workload in
      let isFirst = names.insert(workload.name).inserted
      return Problem.Workload(
        name: isFirst ? "\(workload.name)" : "\(workload.name) (\(workload.reference.kind))",
        replicas: workload.replicas ?? 0
      )
    }
    let replicas = planned.reduce(0) { $0 + max($1.replicas ?? 0, $1.pods.count) }
    problem = Problem(
      resources: resources,
      nodes: problemNodes,
      zones: zones.isEmpty ? [""] : zones,
      workloads: workloads,
      requests: planned.flatMap { workload in
        Self.amounts(workload.requests, resources).map { min($0, Self.largestSum / Int64(max(1, replicas))) }
      },
      allocatable: nodes.indices.flatMap { n in
        Self.amounts(allocatable(of: n), resources).map { min($0, Self.largestSum / Int64(nodes.count)) }
      }
    )
    for pod in fixed where !unready.contains(pod.node) {
      for (k, amount) in Self.amounts(pod.requests, resources).enumerated() {
        let i = pod.node * resources.count + k
        problem.reserved[i] = min(Self.largestSum, problem.reserved[i] + min(Self.largestSum, amount))
      }
    }
    for (k, resource) in resources.enumerated() {
      guard let taken = attachments[resource]?.taken else { continue }
      for n in nodes.indices where !unready.contains(n) {
        problem.reserved[n * resources.count + k] += Int64(clamping: taken[n])
      }
    }
    for w in planned.indices {
      problem.current[w] = current(of: planned[w])
      let evicting = evictingNodes(planned[w])
      if !evicting.isEmpty { problem.evictedFrom[w] = evicting }
    }
  }

  /// The nodes whose taints evict the workload's pods that run there.
  private func evictingNodes(_ workload: Planned) -> Set<Int> {
    var evicting: Set<Int> = []
    for p in workload.pods {
      let spec = snapshot.pods[p].spec
      guard let n = spec.nodeName.flatMap({ nodeIndex[$0] }), !unready.contains(n) else { continue }
      if nodes[n].evicts(spec.tolerations ?? []) { evicting.insert(n) }
    }
    return evicting
  }

  /// The zone of a node; nodes without a zone share one without a name.
  private static func zone(of node: Kubernetes.Node) -> String {
    node.labels["topology.kubernetes.io/zone"] ?? node.labels["failure-domain.beta.kubernetes.io/zone"] ?? ""
  }

  /// The resources that some planned workload requests: cpu and memory first, pods last.
  private func plannedResources() -> [String] {
    let requested = Set(planned.flatMap { $0.requests.filter { $0.value > .zero }.keys })
    let others = requested.subtracting(["cpu", "memory", "pods"]).sorted()
    return ["cpu", "memory"].filter(requested.contains) + others + ["pods"]
  }

  /// Bounds what nodes have in all, what replicas request in all, and what pods that stay use on one node: amounts beyond
  /// are mistakes (it is 2 EiB of memory), and must not make sums overflow.
  private static let largestSum: Int64 = 1 << 61

  private static func amounts(_ quantities: [String: Quantity], _ resources: [String]) -> [Int64] {
    resources.map { resource in
      let quantity = max(.zero, quantities[resource] ?? .zero)
      return resource == "cpu" ? quantity.milliValue : quantity.value
    }
  }

  private mutating func allocatable(of n: Int) -> [String: Quantity] {
    guard !unready.contains(n) else { return [:] }
    let node = nodes[n]
    var allocatable = node.allocatable
    for (resource, attachments) in attachments {
      allocatable[resource] = Quantity(Int64(attachments.limits[n]))
    }
    if allocatable["pods"] == nil {
      warnings.add(
        "status.allocatable.pods is missing; 110, the kubelet's default, is assumed", about: node.metadata.name)
      allocatable["pods"] = Quantity(110)
    }
    return allocatable
  }

  private mutating func current(of workload: Planned) -> [Problem.Placed]? {
    var replicas: [Int: Int] = [:]
    for p in workload.pods {
      if let node = place(snapshot.pods[p]), !unready.contains(node) { replicas[node, default: 0] += 1 }
    }
    guard !replicas.isEmpty else { return nil }
    return replicas.sorted { $0.key < $1.key }.map { Problem.Placed(node: $0.key, replicas: $0.value) }
  }
}
