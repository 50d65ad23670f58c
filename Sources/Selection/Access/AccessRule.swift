/// Says that some may do something: written `CAPABILITY=IDENTITY`, or `CAPABILITY=IDENTITY@SERVICES`.
package struct AccessRule: Hashable, Sendable, CustomStringConvertible {
  /// Why a text is no rule.
  package struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was found and what was expected.
    package var description: String
  }

  private enum Callers: Hashable, Sendable {
    case local
    case anyone
    case proven
    case pod(NamePattern)
    case serviceAccount(NamePattern)
    /// A name of a certificate, as ``Identity/certificate(_:)`` has them.
    case certificate(NamePattern)
  }

  /// What it allows.
  package let capability: Capability
  private let callers: Callers
  /// The services that it is about; nil for those of the caller's own namespace, or all where it has no proof of its own.
  private let services: NamePattern?
  /// The rule as it is written.
  package let description: String

  /// Reads a rule.
  ///
  /// Identities are `local` (on a Unix socket or the loopback interface), `anyone`, `proven` (any of the following),
  /// `pod:NAMESPACE/NAME`, `serviceaccount:NAMESPACE/NAME` (by a reviewed token, or of a pod), `spiffe://DOMAIN/PATH` and
  /// `dns:NAME` (of a client certificate). In names, `*` stands for any characters but `/` (of DNS names: but `.`), `**` for
  /// any.
  package init(_ text: String) throws(Failure) {
    func failure(_ expected: String) -> Failure { Failure(description: "rule '\(text)': expected \(expected)") }
    guard let equals = text.firstIndex(of: "=") else {
      throw failure("CAPABILITY=IDENTITY, such as register=spiffe://cluster.local/ns/shop/sa/*")
    }
    guard let capability = Capability(rawValue: String(text[..<equals])) else {
      throw failure("a capability of \(Capability.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    var identity = text[text.index(after: equals)...]
    var services: NamePattern?
    if let at = identity.lastIndex(of: "@") {
      guard capability.isBoundToServices else { throw failure("no services (@…) with \(capability.rawValue)") }
      let pattern = identity[identity.index(after: at)...]
      guard !pattern.isEmpty else { throw failure("services after @, such as @shop/*") }
      services = NamePattern(String(pattern), separator: "/")
      identity = identity[..<at]
    }
    callers = try Self.callers(identity, failure)
    if case .certificate = callers, identity.hasPrefix("dns:"), services == nil,
      capability == .register || capability == .registrar
    {
      throw failure("services after it, such as @shop/*, since a DNS name is of no namespace")
    }
    self.capability = capability
    self.services = services
    description = text
  }

  private static func callers(
    _ identity: Substring, _ failure: (String) -> Failure
  ) throws(Failure) -> Callers {
    func pattern(after prefix: String) throws(Failure) -> NamePattern {
      let name = identity.dropFirst(prefix.count)
      let parts = name.split(separator: "/", omittingEmptySubsequences: false)
      guard parts.count == 2 && !parts.contains("") || name == "**" else {
        throw failure("\(prefix)NAMESPACE/NAME, such as \(prefix)shop/*")
      }
      return NamePattern(String(name), separator: "/")
    }
    switch identity {
    case "local": return .local
    case "anyone": return .anyone
    case "proven": return .proven
    case _ where identity.hasPrefix("pod:"): return .pod(try pattern(after: "pod:"))
    case _ where identity.hasPrefix("serviceaccount:"): return .serviceAccount(try pattern(after: "serviceaccount:"))
    case _ where identity.hasPrefix("spiffe://") && identity.utf8.count > "spiffe://".utf8.count:
      return .certificate(NamePattern(String(identity), separator: "/"))
    case _ where identity.hasPrefix("dns:") && identity.utf8.count > "dns:".utf8.count:
      return .certificate(NamePattern(identity.lowercased(), separator: "."))
    default:
      throw failure(
        """
        an identity: local, anyone, proven, pod:NAMESPACE/NAME, serviceaccount:NAMESPACE/NAME, spiffe://DOMAIN/PATH or \
        dns:NAME
        """)
    }
  }

  /// Whether somebody is one of those that it is about.
  func isAbout(_ identity: Identity) -> Bool {
    switch (callers, identity) {
    case (.anyone, _), (.local, .local): true
    case (.proven, _): identity.isProven
    case (.pod(let pattern), .pod(let pod)): pattern.matches("\(pod.namespace)/\(pod.name)")
    case (.serviceAccount(let pattern), .pod(let pod)): pattern.matches("\(pod.namespace)/\(pod.serviceAccount)")
    case (.serviceAccount(let pattern), .serviceAccount(let account)):
      pattern.matches("\(account.namespace)/\(account.name)")
    case (.certificate(let pattern), .certificate(let names)): names.contains { pattern.matches($0) }
    default: false
    }
  }

  /// Whether it allows its capability for a service to somebody that it is about.
  func allows(_ service: String, to identity: Identity) -> Bool {
    if let services { return services.matches(service) }
    switch capability {
    case .pick, .endpoints, .watch, .report: return true
    case .register, .registrar, .exchange:
      guard identity.isProven else { return true }
      guard capability != .exchange, let slash = service.firstIndex(of: "/") else { return false }
      return identity.namespaces.contains(String(service[..<slash]))
    }
  }
}
