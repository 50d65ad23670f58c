/// Where a selector listens for framed connections, written `unix:/path/of/socket`, `tcp:host:port`, or `tls:host:port`; an IPv6 address
/// stands in brackets.
package struct FramedAddress: Hashable, Sendable, CustomStringConvertible {
  /// What an address is.
  enum Kind: Hashable, Sendable {
    case unix(String)
    case tcp(host: String, port: UInt16)
    case tls(host: String, port: UInt16)
  }

  /// The longest path of a socket, in bytes.
  package static let longestPath = 107

  let kind: Kind

  /// A socket in the file system, at most ``longestPath`` bytes long.
  package static func unix(_ path: String) -> FramedAddress { FramedAddress(kind: .unix(path)) }

  /// A port; 0 for one that is free.
  package static func tcp(_ host: String, _ port: UInt16) -> FramedAddress {
    FramedAddress(kind: .tcp(host: host, port: port))
  }

  /// A port on which connections are secured by TLS; 0 for one that is free.
  package static func tls(_ host: String, _ port: UInt16) -> FramedAddress {
    FramedAddress(kind: .tls(host: host, port: port))
  }

  /// Whether connections are secured by TLS.
  package var isSecured: Bool {
    guard case .tls = kind else { return false }
    return true
  }

  /// The host of a port; nil for a socket in the file system.
  package var host: String? {
    switch kind {
    case .unix: nil
    case .tcp(let host, _), .tls(let host, _): host
    }
  }

  /// The path of a socket in the file system; nil for a port.
  package var path: String? {
    guard case .unix(let path) = kind else { return nil }
    return path
  }

  private init(kind: Kind) {
    self.kind = kind
  }

  /// Reads an address; throws ``FramedError`` where it is none.
  package init(_ text: String) throws(FramedError) {
    let invalid = FramedError(.invalidAddress, "address '\(text)': expected unix:/path, tcp:host:port or tls:host:port")
    if text.hasPrefix("unix:") {
      let path = String(text.dropFirst(5))
      guard !path.isEmpty, !path.utf8.contains(0) else { throw invalid }
      guard path.utf8.count <= Self.longestPath else {
        throw FramedError(
          .invalidAddress, "path of \(path.utf8.count) bytes in '\(text)': expected at most \(Self.longestPath)")
      }
      kind = .unix(path)
    } else if text.hasPrefix("tcp:") || text.hasPrefix("tls:"), let colon = text.lastIndex(of: ":") {
      let host = text.dropFirst(4).prefix(upTo: max(colon, text.index(text.startIndex, offsetBy: 4)))
      let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
      guard let port = UInt16(text[text.index(after: colon)...]), !host.isEmpty, !host.utf8.contains(0),
        isBracketed || !host.contains(":")
      else { throw invalid }
      let name = String(isBracketed ? host.dropFirst().dropLast() : host)
      kind = text.hasPrefix("tls:") ? .tls(host: name, port: port) : .tcp(host: name, port: port)
    } else {
      throw invalid
    }
  }

  /// The address as it is written.
  package var description: String {
    switch kind {
    case .unix(let path): "unix:\(path)"
    case .tcp(let host, let port): Self.text("tcp", host, port)
    case .tls(let host, let port): Self.text("tls", host, port)
    }
  }

  private static func text(_ scheme: String, _ host: String, _ port: UInt16) -> String {
    host.contains(":") ? "\(scheme):[\(host)]:\(port)" : "\(scheme):\(host):\(port)"
  }
}
