extension Cluster.Requirement {
  /// Whether labels, or fields, satisfy the requirement.
  func holds(for labels: [String: String]) -> Bool {
    let value = labels[key]
    switch self.operator {
    case .in: return value.map(values.contains) ?? false
    case .notIn: return !(value.map(values.contains) ?? false)
    case .exists: return value != nil
    case .doesNotExist: return value == nil
    case .greaterThan, .lessThan:
      guard let number = value.flatMap({ Int($0) }), let bound = Int(values[0]) else { return false }
      return self.operator == .greaterThan ? number > bound : number < bound
    }
  }
}

extension Cluster.Selector {
  func matches(_ own: [String: String]) -> Bool {
    labels.allSatisfy { own[$0.key] == $0.value } && expressions.allSatisfy { $0.holds(for: own) }
  }
}

extension Cluster.NodeTerm {
  /// An empty term matches no node.
  func matches(_ node: Cluster.Node) -> Bool {
    if expressions.isEmpty, fields.isEmpty { return false }
    return expressions.allSatisfy { $0.holds(for: node.labels) }
      && fields.allSatisfy { $0.holds(for: ["metadata.name": node.name]) }
  }
}

extension Cluster.PodSpec {
  var requiredSpreads: [Cluster.Spread] { spreads.filter(\.isRequired) }

  /// By `nodeSelector` and required node affinity, both.
  func selects(_ node: Cluster.Node) -> Bool {
    nodeSelector.allSatisfy { node.labels[$0.key] == $0.value } && nodeTerms?.contains { $0.matches(node) } ?? true
  }

  func tolerates(_ taint: Cluster.Taint) -> Bool { tolerations.contains { $0.tolerates(taint) } }

  func tolerates(_ taints: [Cluster.Taint], effects: Set<String>) -> Bool {
    taints.allSatisfy { !effects.contains($0.effect) || tolerates($0) }
  }

  /// What a pod requests in all. An init container runs before the others, beside the sidecars that were started before
  /// it; so the pod needs what its containers and sidecars need together, or what the hungriest moment of its start does.
  var requests: [String: Int] {
    var total: [String: Int] = [:]
    let named = (containers + initContainers).flatMap { Array($0.requests.keys) + Array($0.limits.keys) }
    for resource in Set(named).union(overhead.keys) {
      var running = containers.reduce(0) { $0 + $1.request(resource) }
      var sidecars = 0
      var starting = 0
      for container in initContainers {
        let request = container.request(resource)
        if container.isSidecar {
          running += request
          sidecars += request
          starting = max(starting, sidecars)
        } else {
          starting = max(starting, sidecars + request)
        }
      }
      total[resource] = max(running, starting) + (overhead[resource] ?? 0)
    }
    return total
  }

  var hostPorts: [Rules.HostPort] {
    (containers + initContainers.filter(\.isSidecar)).flatMap(\.ports).compactMap { port in
      guard let number = port.host ?? (usesHostNetwork ? port.container : nil) else { return nil }
      return Rules.HostPort(number: number, name: port.name ?? "TCP", address: port.address ?? "0.0.0.0")
    }
  }
}

extension Cluster.Container {
  /// The API server fills in the limit where there is no request.
  fileprivate func request(_ resource: String) -> Int { requests[resource] ?? limits[resource] ?? 0 }
}

extension Cluster.Toleration {
  func tolerates(_ taint: Cluster.Taint) -> Bool {
    if let effect, effect != taint.effect { return false }
    if let key, key != taint.key { return false }
    return isForAnyValue || (value ?? "") == (taint.value ?? "")
  }
}

extension Cluster.Term {
  /// Whether the term of a pod of kind `own` selects a pod.
  func selects(_ pod: Rules.Kind, for own: Rules.Kind) -> Bool {
    let isInNamespaces =
      namespaces.isEmpty && namespaceSelector == nil
      ? pod.namespace == own.namespace
      : namespaces.contains(pod.namespace)
        || namespaceSelector?.matches(["kubernetes.io/metadata.name": pod.namespace]) ?? false
    guard isInNamespaces, let selector, selector.matches(pod.labels) else { return false }
    return matchKeys.allSatisfy { own.labels[$0] == nil || pod.labels[$0] == own.labels[$0] }
      && mismatchKeys.allSatisfy { own.labels[$0] == nil || pod.labels[$0] != own.labels[$0] }
  }
}

extension Cluster.Spread {
  /// Whether a pod counts for the constraint of a pod of kind `own`: only pods of its own namespace do.
  func counts(_ pod: Rules.Kind, for own: Rules.Kind) -> Bool {
    guard pod.namespace == own.namespace, let selector, selector.matches(pod.labels) else { return false }
    return matchKeys.allSatisfy { own.labels[$0] == nil || pod.labels[$0] == own.labels[$0] }
  }

  /// Whether a node counts for the constraint of a pod. All nodes count that have the keys of all of its constraints, but
  /// for those that its node affinity or, where that is asked for, taints keep it from.
  func counts(_ node: Cluster.Node, for spec: Cluster.PodSpec) -> Bool {
    spec.requiredSpreads.allSatisfy { node.labels[$0.key] != nil }
      && (nodeAffinityPolicy == "Ignore" || spec.selects(node))
      && (nodeTaintsPolicy != "Honor" || spec.tolerates(node.allTaints, effects: ["NoSchedule", "NoExecute"]))
  }
}

extension Cluster.Volume {
  func isReachable(from node: Cluster.Node) -> Bool {
    let zoneOfNode = node.labels[ClusterGenerator.zone]
    if let zonesOfClass { return zonesOfClass.isEmpty || zoneOfNode.map(zonesOfClass.contains) ?? false }
    // A node that says nothing of its zone may be in any, where the volume says it by its label.
    if let zone, let zoneOfNode, zone != zoneOfNode { return false }
    return nodeTerms?.contains { $0.matches(node) } ?? true
  }
}

extension Cluster.DaemonSet {
  /// The nodes where it has a pod or will have one. Its pods tolerate that a node is cordoned.
  func targets(among all: [Cluster.Node]) -> [String] {
    let waiting = all.filter { node in
      !nodes.contains(node.name) && node.isReady && spec.selects(node)
        && spec.tolerates(node.taints, effects: ["NoSchedule", "NoExecute"])
    }
    return nodes + waiting.map(\.name)
  }
}
