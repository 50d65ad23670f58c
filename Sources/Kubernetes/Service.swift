/// A Service: a name for the pods that its selector matches.
public struct Service: Codable, Hashable, Sendable {
  /// Name and labels.
  public var metadata: ObjectMeta
  /// What it stands for.
  public var spec: ServiceSpec?
}

/// What a Service stands for.
public struct ServiceSpec: Codable, Hashable, Sendable {
  /// `ClusterIP` (also where nil), `NodePort`, `LoadBalancer` or `ExternalName`.
  public var type: String?
  /// Labels of the pods; nil or empty where the Service does not select pods.
  public var selector: [String: String]?
  /// The ports at which it is reached.
  public var ports: [ServicePort]?
  /// The address at which it is reached; `None` for a headless Service.
  public var clusterIP: String?
  /// That address and the one of the other family.
  public var clusterIPs: [String]?
  /// Addresses of others at which it is reached as well.
  public var externalIPs: [String]?
  /// For the type `ExternalName`, the host that it stands for.
  public var externalName: String?

  /// All addresses at which it is reached within the cluster.
  public var addresses: [String] {
    ((clusterIPs ?? clusterIP.map { [$0] } ?? []) + (externalIPs ?? [])).filter { !$0.isEmpty && $0 != "None" }
  }
}

/// A port of a Service.
public struct ServicePort: Codable, Hashable, Sendable {
  /// The port at which the Service is reached.
  public var port: Int32?
}
