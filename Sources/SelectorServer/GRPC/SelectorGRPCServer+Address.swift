package import Connections

extension SelectorGRPCServer {
  /// Where to listen, written `host:port`, with an IPv6 address in brackets, or `unix:/path/of/socket`.
  package enum Address: Hashable, Sendable, CustomStringConvertible {
    /// A host, by name or number, and a port; 0 for any that is free.
    case host(String, port: Int)
    /// A Unix socket at a path; one that nobody listens on any more is replaced.
    case unix(path: String)

    /// The address as it is written.
    package var description: String {
      switch self {
      case .unix(let path): "unix:\(path)"
      case .host(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
      }
    }

    /// Whether only those on the same machine can reach it.
    package var isLocal: Bool {
      guard case .unix = self else { return false }
      return true
    }

    /// The host; nil for a Unix socket.
    package var host: String? {
      guard case .host(let host, _) = self else { return nil }
      return host
    }

    /// Listens there.
    ///
    /// - Parameter mode: permissions of a Unix socket; nil for those that the process gives by itself.
    package func listen(mode: UInt32?) throws(SocketError) -> ListeningSocket {
      switch self {
      case .unix(let path): return try ListeningSocket(path: path, mode: mode)
      case .host(let host, let port):
        guard let port = UInt16(exactly: port) else {
          throw SocketError(.invalidAddress, "\(self): expected a port from 0 to 65535")
        }
        return try ListeningSocket(host: host, port: port)
      }
    }

    /// The address with the port that was found free.
    package func with(port: Int?) -> Address {
      switch self {
      case .unix: self
      case .host(let host, let asked): .host(host, port: port ?? asked)
      }
    }
  }
}
