/// Where a selector listens for framed connections, written `unix:/path/of/socket` or `tcp:host:port`; an IPv6 address
/// stands in brackets.
public struct FramedAddress: Hashable, Sendable, CustomStringConvertible {
  /// What an address is.
  enum Kind: Hashable, Sendable {
    case unix(String)
    case tcp(host: String, port: UInt16)
  }

  /// The longest path of a socket, in bytes.
  public static let longestPath = 107

  let kind: Kind

  /// A socket in the file system, at most ``longestPath`` bytes long.
  public static func unix(_ path: String) -> FramedAddress { FramedAddress(kind: .unix(path)) }

  /// A port; 0 for one that is free.
  public static func tcp(_ host: String, _ port: UInt16) -> FramedAddress {
    FramedAddress(kind: .tcp(host: host, port: port))
  }

  /// The path of a socket in the file system; nil for a port.
  public var path: String? {
    guard case .unix(let path) = kind else { return nil }
    return path
  }

  private init(kind: Kind) {
    self.kind = kind
  }

  /// Reads an address; throws ``FramedError`` where it is none.
  public init(_ text: String) throws(FramedError) {
    let invalid = FramedError(.invalidAddress, "address '\(text)': expected unix:/path or tcp:host:port")
    if text.hasPrefix("unix:") {
      let path = String(text.dropFirst(5))
      guard !path.isEmpty, !path.utf8.contains(0) else { throw invalid }
      guard path.utf8.count <= Self.longestPath else {
        throw FramedError(
          .invalidAddress, "path of \(path.utf8.count) bytes in '\(text)': expected at most \(Self.longestPath)")
      }
      kind = .unix(path)
    } else if text.hasPrefix("tcp:"), let colon = text.lastIndex(of: ":") {
      let host = text.dropFirst(4).prefix(upTo: max(colon, text.index(text.startIndex, offsetBy: 4)))
      let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
      guard let port = UInt16(text[text.index(after: colon)...]), !host.isEmpty, !host.utf8.contains(0),
        isBracketed || !host.contains(":")
      else { throw invalid }
      kind = .tcp(host: String(isBracketed ? host.dropFirst().dropLast() : host), port: port)
    } else {
      throw invalid
    }
  }

  /// The address as it is written.
  public var description: String {
    switch kind {
    case .unix(let path): "unix:\(path)"
    case .tcp(let host, let port): host.contains(":") ? "tcp:[\(host)]:\(port)" : "tcp:\(host):\(port)"
    }
  }
}
