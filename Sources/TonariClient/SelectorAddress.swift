/// Where a selector listens for framed connections.
public struct SelectorAddress: Hashable, Sendable, CustomStringConvertible {
  enum Place: Hashable, Sendable {
    case unix(path: String)
    case tcp(host: String, port: Int)
    case tls(host: String, port: Int)
  }

  let place: Place

  /// A Unix socket.
  public static func unix(path: String) -> SelectorAddress { SelectorAddress(place: .unix(path: path)) }

  /// A host, by name or number, and its port, from 1 to 65535.
  public static func tcp(host: String, port: Int) -> SelectorAddress {
    SelectorAddress(place: .tcp(host: host, port: port))
  }

  /// A host, by name or number, and the port where the selector serves connections that are secured by TLS.
  public static func tls(host: String, port: Int) -> SelectorAddress {
    SelectorAddress(place: .tls(host: host, port: port))
  }

  private init(place: Place) {
    self.place = place
  }

  /// Reads `unix:/path`, `tcp:host:port` or `tls:host:port`, an IPv6 host in brackets; nil where it is none of them.
  public init?(_ text: String) {
    if text.hasPrefix("unix:"), text.utf8.count > 5 {
      place = .unix(path: String(text.dropFirst(5)))
      return
    }
    guard text.hasPrefix("tcp:") || text.hasPrefix("tls:"), let colon = text.lastIndex(of: ":"),
      case let digits = text[colon...].dropFirst(), digits.utf8.allSatisfy({ (48...57).contains($0) }),
      let port = UInt16(digits)
    else { return nil }
    let start = text.index(text.startIndex, offsetBy: 4)
    guard start < colon, port > 0 else { return nil }
    let host = text[start..<colon]
    let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
    guard isBracketed || !host.contains(":") else { return nil }
    let name = String(isBracketed ? host.dropFirst().dropLast() : host)
    place = text.hasPrefix("tls:") ? .tls(host: name, port: Int(port)) : .tcp(host: name, port: Int(port))
  }

  /// The address as it is read.
  public var description: String {
    switch place {
    case .unix(let path): "unix:\(path)"
    case .tcp(let host, let port): host.contains(":") ? "tcp:[\(host)]:\(port)" : "tcp:\(host):\(port)"
    case .tls(let host, let port): host.contains(":") ? "tls:[\(host)]:\(port)" : "tls:\(host):\(port)"
    }
  }
}
