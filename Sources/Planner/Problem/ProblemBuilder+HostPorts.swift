import Kubernetes
import Placement

/// Two pods that bind the same port of their node cannot share it.
extension ProblemBuilder {
  mutating func separateHostPorts() {
    let ports = planned.map(\.spec.hostPorts)
    let binding = ports.indices.filter { !ports[$0].isEmpty }
    guard !binding.isEmpty else { return }
    func conflict(_ a: [HostPort], _ b: [HostPort]) -> HostPort? {
      a.first { port in b.contains { $0.conflicts(with: port) } }
    }
    let byNode = partition(Self.hostname, nodes.indices.map { Int32(truncatingIfNeeded: $0) })
    for (i, w) in binding.enumerated() {
      limit(w, to: 1)
      for v in binding[(i + 1)...] where conflict(ports[w], ports[v]) != nil {
        problem.rules.append(.apart(workload: w, other: v, partition: byNode))
      }
    }
    for pod in fixed {
      let taken = pod.spec.hostPorts
      guard !taken.isEmpty else { continue }
      for w in binding {
        guard let port = conflict(ports[w], taken) else { continue }
        exclude(w, "where host port \(port.port) is free") { $0 == pod.node }
      }
    }
  }
}
