/// Hosts that an administrator lets the policies of a namespace name: `shop=*.shop.example`.
package struct HostRule: Hashable, Sendable {
  /// The namespace; nil for all.
  package let namespace: String?
  /// Which hosts; nil for all.
  private let pattern: HostName?

  /// Reads `namespace=host`, where either may be `*` for all, and the host begin with `*.`; nil where the text is none.
  package init?(_ text: String) {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, parts[0] == "*" || HostName.isLabel(parts[0]) else { return nil }
    namespace = parts[0] == "*" ? nil : String(parts[0])
    if parts[1] == "*" {
      pattern = nil
    } else {
      guard let host = HostName(String(parts[1]), allowsAddress: true, allowsWildcard: true) else { return nil }
      pattern = host
    }
  }

  /// Whether it lets a host be named. A rule without a port holds for all ports, one with `*.` for all names below.
  func allows(_ host: HostName, in namespace: String) -> Bool {
    guard self.namespace.map({ $0 == namespace }) ?? true else { return false }
    guard let pattern else { return true }
    guard pattern.port.map({ $0 == host.port }) ?? true else { return false }
    guard pattern.name.hasPrefix("*.") else { return pattern.name == host.name }
    return !host.isAddress && host.name.hasSuffix(pattern.name.dropFirst())
      && host.name.utf8.count >= pattern.name.utf8.count
  }
}
