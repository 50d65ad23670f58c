extension PodSpec {
  /// Whether `nodeSelector` and the required node affinity allow a node.
  package func selects(_ node: Node) -> Bool {
    for (key, value) in nodeSelector ?? [:] where node.labels[key] != value { return false }
    guard let required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution else { return true }
    return required.matches(node)
  }

  /// Whether the node's taints allow the pod.
  package func toleratesTaints(of node: Node) -> Bool {
    node.untoleratedTaint(tolerations ?? []) == nil
  }

  /// The host ports that the pod binds, sidecars included.
  package var hostPorts: [HostPort] {
    let sidecars = (initContainers ?? []).filter { $0.restartPolicy == "Always" }
    return ((containers ?? []) + sidecars).flatMap { $0.ports ?? [] }.compactMap { port in
      let declared = port.hostPort ?? 0
      let number = declared == 0 && hostNetwork == true ? port.containerPort ?? 0 : declared
      guard number > 0 else { return nil }
      let address = port.hostIP ?? ""
      return HostPort(
        protocol: port.protocol ?? "TCP",
        address: address.isEmpty ? "0.0.0.0" : address,
        port: number
      )
    }
  }
}

/// A port of a node that a pod binds.
package struct HostPort: Hashable, Sendable {
  /// `TCP`, `UDP` or `SCTP`.
  package var `protocol`: String
  /// The node's address; `0.0.0.0` for all.
  package var address: String
  /// The port's number.
  package var port: Int32

  /// Whether two pods that bind these ports cannot share a node.
  package func conflicts(with other: HostPort) -> Bool {
    port == other.port && self.protocol == other.protocol
      && (address == other.address || address == "0.0.0.0" || other.address == "0.0.0.0")
  }
}
