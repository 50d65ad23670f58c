/// Who calls, as far as it is proven. What a caller says of itself is no proof.
public enum Identity: Hashable, Sendable, CustomStringConvertible {
  /// Somebody on this machine: on a Unix socket whose permissions let them in, or on the loopback interface.
  case local
  /// Anybody on the network.
  case anyone
  /// A pod, proven by the socket that it was given alone.
  case pod(Pod)
  /// Who holds a certificate that a trusted authority signed; its names, each as `spiffe://…` or `dns:…`.
  case certificate([String])
  /// Who holds a token of a service account that the API server has reviewed.
  case serviceAccount(ServiceAccount)

  /// A pod.
  public struct Pod: Hashable, Codable, Sendable {
    /// The namespace.
    public var namespace: String
    /// The name.
    public var name: String
    /// What tells it from an earlier pod of the same name.
    public var uid: String
    /// The service account that it runs as.
    public var serviceAccount: String

    /// Names a pod.
    public init(namespace: String, name: String, uid: String, serviceAccount: String) {
      self.namespace = namespace
      self.name = name
      self.uid = uid
      self.serviceAccount = serviceAccount
    }
  }

  /// A service account.
  public struct ServiceAccount: Hashable, Sendable {
    /// The namespace.
    public var namespace: String
    /// The name.
    public var name: String

    /// Names a service account.
    public init(namespace: String, name: String) {
      self.namespace = namespace
      self.name = name
    }
  }

  /// Whether there is a proof.
  public var isProven: Bool {
    switch self {
    case .local, .anyone: false
    case .pod, .certificate, .serviceAccount: true
    }
  }

  /// The namespaces that it belongs to: of a pod and a service account its own, of a certificate those in its SPIFFE ids of
  /// the form `spiffe://<trust domain>/ns/<namespace>/sa/<service account>`.
  public var namespaces: [String] {
    switch self {
    case .local, .anyone: []
    case .pod(let pod): [pod.namespace]
    case .serviceAccount(let account): [account.namespace]
    case .certificate(let names): names.compactMap(Self.namespace)
    }
  }

  /// The identity for people.
  public var description: String {
    switch self {
    case .local: "local"
    case .anyone: "anyone"
    case .pod(let pod): "pod:\(pod.namespace)/\(pod.name)"
    case .serviceAccount(let account): "serviceaccount:\(account.namespace)/\(account.name)"
    case .certificate(let names): names.isEmpty ? "a certificate without names" : names.joined(separator: ", ")
    }
  }

  private static func namespace(ofSPIFFE name: String) -> String? {
    guard name.hasPrefix("spiffe://") else { return nil }
    let parts = name.dropFirst("spiffe://".count).split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 5, parts[1] == "ns", parts[3] == "sa", !parts[2].isEmpty else { return nil }
    return String(parts[2])
  }
}
