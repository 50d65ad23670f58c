/// Who calls, as far as it is proven. What a caller says of itself is no proof.
package enum Identity: Hashable, Sendable, CustomStringConvertible {
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
  package struct Pod: Hashable, Codable, Sendable {
    /// The namespace.
    package var namespace: String
    /// The name.
    package var name: String
    /// What tells it from an earlier pod of the same name.
    package var uid: String
    /// The service account that it runs as.
    package var serviceAccount: String

    /// Names a pod.
    package init(namespace: String, name: String, uid: String, serviceAccount: String) {
      self.namespace = namespace
      self.name = name
      self.uid = uid
      self.serviceAccount = serviceAccount
    }
  }

  /// A service account.
  package struct ServiceAccount: Hashable, Sendable {
    /// The namespace.
    package var namespace: String
    /// The name.
    package var name: String

    /// Names a service account.
    package init(namespace: String, name: String) {
      self.namespace = namespace
      self.name = name
    }
  }

  /// Whether there is a proof.
  package var isProven: Bool {
    switch self {
    case .local, .anyone: false
    case .pod, .certificate, .serviceAccount: true
    }
  }

  /// The namespaces that it belongs to: of a pod and a service account its own, of a certificate those in its SPIFFE ids of
  /// the form `spiffe://<trust domain>/ns/<namespace>/sa/<service account>`.
  package var namespaces: [String] {
    switch self {
    case .local, .anyone: []
    case .pod(let pod): [pod.namespace]
    case .serviceAccount(let account): [account.namespace]
    case .certificate(let names): names.compactMap(Self.namespace)
    }
  }

  /// The identity for people.
  package var description: String {
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
