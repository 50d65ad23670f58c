import ArgumentParser
import Model

/// An address to listen on.
struct ListenAddress: CustomStringConvertible {
  var host: String
  var port: Int

  var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

  init(host: String, port: Int) {
    self.host = host
    self.port = port
  }

  /// Whether nobody but this machine reaches it.
  var isLocal: Bool { !Self.isOnNetwork(host) }

  /// Whether others than this machine reach a host's ports; nil is a socket in the file system.
  static func isOnNetwork(_ host: String?) -> Bool {
    guard let host, host != "localhost" else { return false }
    return IPAddress(host)?.isLoopback != true
  }

  /// Reads `host:port`, `[ipv6]:port` or `:port`, which is all addresses.
  init(_ text: String) throws {
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
      throw ValidationError("'\(text)': expected host:port, such as 127.0.0.1:8888")
    }
    var host = text[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
    self.init(host: host.isEmpty ? "0.0.0.0" : String(host), port: Int(port))
  }
}
