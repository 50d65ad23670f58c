extension PodSpec {
  /// What a pod takes up on its node, by resource name, as the scheduler counts it.
  ///
  /// The rule is that of `k8s.io/component-helpers/resource` (`PodRequests`): the containers' requests add up; before
  /// them every init container runs alone beside the sidecars that started earlier, and the largest of these moments
  /// counts; requests of the pod as a whole replace the sum for `cpu`, `memory` and huge pages; the overhead comes on
  /// top. A request that is missing is the limit, as the API server fills it in. The pod itself counts as 1 of `pods`.
  public var effectiveRequests: [String: Quantity] {
    var running: [String: Quantity] = [:]
    for container in containers ?? [] {
      running.add(container.resources?.effective ?? [:])
    }
    var sidecars: [String: Quantity] = [:]
    var starting: [String: Quantity] = [:]
    for container in initContainers ?? [] {
      let request = container.resources?.effective ?? [:]
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
    for (name, quantity) in resources?.requests ?? [:] where Self.isPodLevel(name) {
      running[name] = quantity
    }
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
