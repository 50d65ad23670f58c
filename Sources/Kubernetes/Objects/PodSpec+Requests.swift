extension PodSpec {
  /// What a pod takes up on its node, by resource name, as the scheduler counts it before the pod runs.
  ///
  /// The rule is that of `k8s.io/component-helpers/resource` (`PodRequests`): the containers' requests add up; before
  /// them every init container runs alone beside the sidecars that started earlier, and the largest of these moments
  /// counts; requests of the pod as a whole replace the sum for `cpu`, `memory` and huge pages; the overhead comes on
  /// top. A request that is missing is the limit, as the API server fills it in. The pod itself counts as 1 of `pods`.
  package var effectiveRequests: [String: Quantity] {
    requests(ofPod: resources?.requests ?? [:]) { $0.resources?.effective ?? [:] }
  }

  /// The rule, for what each container requests and what the pod as a whole does.
  fileprivate func requests(
    ofPod whole: [String: Quantity], _ requests: (Container) -> [String: Quantity]
  ) -> [String: Quantity] {
    var running: [String: Quantity] = [:]
    for container in containers ?? [] { running.add(requests(container)) }
    var sidecars: [String: Quantity] = [:]
    var starting: [String: Quantity] = [:]
    for container in initContainers ?? [] {
      let request = requests(container)
      if container.restartPolicy == "Always" {
        running.add(request)
        sidecars.add(request)
        starting.raise(to: sidecars)
      } else {
        var moment = sidecars
        moment.add(request)
        starting.raise(to: moment)
      }
    }
    running.raise(to: starting)
    for (name, quantity) in whole where Self.isPodLevel(name) { running[name] = quantity }
    for (name, quantity) in resources?.limits ?? [:] where Self.isPodLevel(name) && running[name] == nil {
      running[name] = quantity
    }
    running.add(overhead ?? [:])
    running["pods"] = Quantity(1)
    return running
  }

  private static func isPodLevel(_ resource: String) -> Bool {
    resource == "cpu" || resource == "memory" || resource.hasPrefix("hugepages-")
  }
}

extension Pod {
  /// What the pod takes up on its node, by resource name, as the scheduler counts it: as its spec says, and where a
  /// resize in place is under way, the most of what is asked for, what the kubelet has set aside, and what the
  /// containers have. What is asked for does not count where the kubelet has said that it can never be had.
  package var effectiveRequests: [String: Quantity] {
    guard let status else { return spec.effectiveRequests }
    let isInfeasible = status.isResizeInfeasible
    var whole = spec.resources?.requests ?? [:]
    if !whole.isEmpty {
      // What the kubelet says of the pod has the overhead in it.
      let known = [status.allocatedResources, status.resources?.requests].compactMap { $0 }.map { amounts in
        amounts.merging(spec.overhead ?? [:]) { $0 - $1 }.filter { amounts[$0.key] != nil }
      }
      whole = Self.most([isInfeasible && !known.isEmpty ? [:] : whole] + known)
    }
    return spec.requests(ofPod: whole) { container in
      let asked = container.resources?.effective ?? [:]
      guard let known = status.container(container.name) else { return asked }
      let given = [known.allocatedResources, known.resources?.requests].compactMap { $0 }
      return Self.most([isInfeasible && !given.isEmpty ? [:] : asked] + given)
    }
  }

  private static func most(_ amounts: [[String: Quantity]]) -> [String: Quantity] {
    amounts.reduce(into: [:]) { $0.raise(to: $1) }
  }
}

extension ResourceRequirements {
  /// The requests, with limits in place of those that are missing.
  fileprivate var effective: [String: Quantity] {
    guard let limits else { return requests ?? [:] }
    return limits.merging(requests ?? [:]) { _, request in request }
  }
}

extension [String: Quantity] {
  fileprivate mutating func add(_ other: [String: Quantity]) {
    merge(other) { $0 + $1 }
  }

  fileprivate mutating func raise(to other: [String: Quantity]) {
    merge(other) { Swift.max($0, $1) }
  }
}
