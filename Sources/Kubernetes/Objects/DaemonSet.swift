/// A DaemonSet.
package struct DaemonSet: Codable, Hashable, Sendable {
  /// Name and labels.
  package var metadata: ObjectMeta
  /// What is wanted.
  package var spec: DaemonSetSpec
}

/// What a DaemonSet is to be.
package struct DaemonSetSpec: Codable, Hashable, Sendable {
  /// What the pods are made from.
  package var template: PodTemplate
}

extension DaemonSet {
  /// The spec of its pods: the template's, with the tolerations that the DaemonSet controller adds.
  package var podSpec: PodSpec {
    var spec = spec.template.spec
    var keys = ["disk-pressure", "memory-pressure", "pid-pressure", "unschedulable"].map { ($0, "NoSchedule") }
    keys += [("not-ready", "NoExecute"), ("unreachable", "NoExecute")]
    if spec.hostNetwork == true { keys.append(("network-unavailable", "NoSchedule")) }
    spec.tolerations =
      (spec.tolerations ?? [])
      + keys.map { key, effect in
        Toleration(key: "node.kubernetes.io/\(key)", operator: "Exists", effect: effect)
      }
    return spec
  }
}
