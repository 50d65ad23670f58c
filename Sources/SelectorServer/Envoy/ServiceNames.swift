package import Selection

/// Which service of a dispatcher is meant by the names that Envoy, Istio and HTTP have for it.
package enum ServiceNames {
  /// Finds a service: by its own name, by the name of Istio's cluster for it (`outbound|8080|v1|cart.shop.svc.cluster.local`,
  /// `outbound_.8080_.v1_.cart.shop.svc.cluster.local`), or by its host name with or without a port
  /// (`cart.shop.svc.cluster.local:8080`, `cart.shop`). A name without a namespace is one of `default`.
  ///
  /// Nil where there is none, and where a service has several ports and none of them is known by the number. What somebody
  /// registered has only names that mean nothing else: who may register may call a service anything.
  package static func service(_ text: some StringProtocol, in dispatcher: Dispatcher) -> DispatchedService? {
    let text = String(text)
    let directory = dispatcher.directory
    if let service = directory.named(text) { return service }
    guard let (name, port) = kubernetesName(of: text) else { return directory[text] }
    if let service = service(name, port, in: directory, directory.named) { return service }
    guard directory.named(name) == nil else { return nil }
    return directory[text] ?? service(name, port, in: directory) { directory[$0] }
  }

  /// The service that has a port, by its number, else the only one of its name.
  private static func service(
    _ name: String, _ port: UInt16?, in directory: ServiceDirectory, _ find: (String) -> DispatchedService?
  ) -> DispatchedService? {
    guard let port else { return find(name) }
    return find("\(name):\(port)") ?? (directory.hasPorts(name) ? nil : find(name))
  }

  /// `namespace/name` of a host name or of Istio's name for a cluster, and the port where there is one; nil where it cannot be
  /// one.
  static func kubernetesName(of text: String) -> (name: String, port: UInt16?)? {
    guard text.utf8.count <= 512 else { return nil }
    var host = text[...]
    var port: UInt16?
    for (start, separator) in [("outbound|", "|"), ("outbound_.", "_.")] where host.hasPrefix(start) {
      let parts = host.split(separator: separator, maxSplits: 3, omittingEmptySubsequences: false)
      guard parts.count == 4 else { return nil }
      (host, port) = (parts[3], parts.dropFirst().first.flatMap { UInt16($0) })
    }
    if let colon = host.lastIndex(of: ":") {
      port = UInt16(host[host.index(after: colon)...])
      guard port != nil else { return nil }
      host = host[..<colon]
    }
    let labels = host.split(separator: ".", omittingEmptySubsequences: false)
    guard let name = labels.first, !name.isEmpty, !host.contains(where: { "/[]:".contains($0) }) else { return nil }
    guard labels.count > 1 else { return ("default/\(name)", port) }
    guard !labels[1].isEmpty, labels.count == 2 || labels[2] == "svc" else { return nil }
    return ("\(labels[1])/\(name)", port)
  }
}
