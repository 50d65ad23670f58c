/// A Service: a name for the pods that its selector matches.
package struct Service: Codable, Hashable, Sendable {
  /// Name and labels.
  package var metadata: ObjectMeta
  /// What it stands for.
  package var spec: ServiceSpec?
}

/// What a Service stands for.
package struct ServiceSpec: Codable, Hashable, Sendable {
  /// `ClusterIP` (also where nil), `NodePort`, `LoadBalancer` or `ExternalName`.
  package var type: String?
  /// Labels of the pods; nil or empty where the Service does not select pods.
  package var selector: [String: String]?
  /// The ports at which it is reached.
  package var ports: [ServicePort]?
  /// The address at which it is reached; `None` for a headless Service.
  package var clusterIP: String?
  /// That address and the one of the other family.
  package var clusterIPs: [String]?
  /// Addresses of others at which it is reached as well.
  package var externalIPs: [String]?
  /// For the type `ExternalName`, the host that it stands for.
  package var externalName: String?

  /// All addresses at which it is reached within the cluster.
  package var addresses: [String] {
    ((clusterIPs ?? clusterIP.map { [$0] } ?? []) + (externalIPs ?? [])).filter { !$0.isEmpty && $0 != "None" }
  }
}

/// A port of a Service.
package struct ServicePort: Codable, Hashable, Sendable {
  /// The port at which the Service is reached.
  package var port: Int32?
}
