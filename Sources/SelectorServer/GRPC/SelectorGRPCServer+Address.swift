import GRPCNIOTransportHTTP2Posix
import Glibc
import NIOCore

extension SelectorGRPCServer {
  /// Where to listen, written `host:port`, with an IPv6 address in brackets, or `unix:/path/of/socket`.
  public enum Address: Hashable, Sendable, CustomStringConvertible {
    /// A host, by name or number, and a port; 0 for any that is free.
    case host(String, port: Int)
    /// A Unix socket at a path; one that is there is replaced.
    case unix(path: String)

    /// The address as it is written.
    public var description: String {
      switch self {
      case .unix(let path): "unix:\(path)"
      case .host(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
      }
    }

    /// Whether only those on the same machine can reach it.
    public var isLocal: Bool {
      guard case .unix = self else { return false }
      return true
    }

    /// The address as the transport knows it; a name is looked up.
    func resolved() throws -> GRPCNIOTransportCore.SocketAddress {
      switch self {
      case .unix(let path): return .unixDomainSocket(path: path)
      case .host(let host, let port):
        switch try NIOCore.SocketAddress.makeAddressResolvingHost(host, port: port) {
        case .v6(let address): return .ipv6(host: address.host.isEmpty ? host : address.host, port: port)
        case let address: return .ipv4(host: address.ipAddress ?? host, port: port)
        }
      }
    }

    /// Gives a socket's file the permissions that are asked for, where there are any.
    package func setMode(_ mode: UInt32?) throws {
      guard case .unix(let path) = self, let mode, chmod(path, mode) != 0 else { return }
      throw IOError(errnoCode: errno, reason: "\(self): cannot set the mode")
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
