import Glibc
package import Model
package import Selection

/// From where a connection comes, as the system says.
package enum PeerAddress: Hashable, Sendable {
  /// From this machine, on a socket in the file system.
  case unix
  case host(IPAddress)
  /// From somewhere that has no address of the internet protocol, or the peer has gone.
  case unknown

  /// From where a socket's peer calls.
  static func of(_ descriptor: Int32) -> PeerAddress {
    var address = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return withUnsafeMutableBytes(of: &address) { bytes in
      guard let start = bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self),
        getpeername(descriptor, start, &length) == 0
      else { return .unknown }
      if start.pointee.sa_family == sa_family_t(AF_UNIX) { return .unix }
      var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
      guard getnameinfo(start, length, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0 else {
        return .unknown
      }
      let host = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      // A link-local address may name its interface.
      return IPAddress(host.prefix { $0 != "%" }).map { .host($0) } ?? .unknown
    }
  }

  /// The address; nil where there is none.
  package var host: IPAddress? {
    guard case .host(let address) = self else { return nil }
    return address
  }

  /// Who calls, if nothing else proves it.
  package var identity: Identity {
    switch self {
    case .unix: .local
    case .host(let address): address.isLoopback ? .local : .anyone
    case .unknown: .anyone
    }
  }
}
