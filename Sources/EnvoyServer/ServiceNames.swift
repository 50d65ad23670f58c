public import Dispatching

/// Which service of a dispatcher is meant by the names that Envoy, Istio and HTTP have for it.
public enum ServiceNames {
  /// Finds a service: by its own name, by the name of Istio's cluster for it (`outbound|8080|v1|cart.shop.svc.cluster.local`,
  /// `outbound_.8080_.v1_.cart.shop.svc.cluster.local`), or by its host name with or without a port
  /// (`cart.shop.svc.cluster.local:8080`, `cart.shop`). A name without a namespace is one of `default`.
  ///
  /// Nil where there is none. Of a service with several ports Kubernetes' name of the port belongs to the service's own
  /// name, which a number does not tell: those are to be named by their own.
  public static func service(_ text: some StringProtocol, in dispatcher: Dispatcher) -> DispatchedService? {
    let text = String(text)
    if let service = dispatcher.service(text) { return service }
    guard let name = kubernetesName(of: text) else { return nil }
    return dispatcher.service(name)
  }

  /// `namespace/name` of a host name or of Istio's name for a cluster; nil where it cannot be one.
  static func kubernetesName(of text: String) -> String? {
    guard text.utf8.count <= 512 else { return nil }
    var host = text[...]
    for (start, separator) in [("outbound|", "|"), ("outbound_.", "_.")] where host.hasPrefix(start) {
      let parts = host.split(separator: separator, maxSplits: 3, omittingEmptySubsequences: false)
      guard parts.count == 4 else { return nil }
      host = parts[3]
    }
    if let colon = host.lastIndex(of: ":") {
      guard UInt16(host[host.index(after: colon)...]) != nil else { return nil }
      host = host[..<colon]
    }
    let labels = host.split(separator: ".", omittingEmptySubsequences: false)
    guard let name = labels.first, !name.isEmpty, !host.contains(where: { "/[]:".contains($0) }) else { return nil }
    guard labels.count > 1 else { return "default/\(name)" }
    guard !labels[1].isEmpty, labels.count == 2 || labels[2] == "svc" else { return nil }
    return "\(labels[1])/\(name)"
  }
}
