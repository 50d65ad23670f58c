import EnvoyProtocol
import SwiftProtobuf

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The number and port of a replica, as Envoy wants them; a name it does not look up.
struct EndpointAddress: Hashable {
  var host: String
  var port: UInt16

  /// Reads `1.2.3.4:80` or `[fd00::1]:80`; nil where the address is written otherwise, as with a name.
  init?(_ text: String) {
    guard let colon = text.utf8.lastIndex(of: UInt8(ascii: ":")),
      let port = UInt16(text[text.index(after: colon)...]), port > 0
    else { return nil }
    var host = text[..<colon]
    let isBracketed = host.first == "[" && host.last == "]"
    if isBracketed { host = host.dropFirst().dropLast() }
    self.init(host: String(host), port: port)
    guard isBracketed == self.isIPv6 else { return nil }
  }

  /// What an Envoy reports of; nil where that is no number, or a pipe.
  init?(_ address: Envoy_Config_Core_V3_Address) {
    let socket = address.socketAddress
    guard let port = UInt16(exactly: socket.portValue), port > 0 else { return nil }
    self.init(host: socket.address, port: port)
  }

  private init?(host: String, port: UInt16) {
    self.host = host
    self.port = port
    var bytes = in6_addr()
    guard host.utf8.count <= 45, inet_pton(isIPv6 ? AF_INET6 : AF_INET, host, &bytes) == 1 else { return nil }
  }

  private var isIPv6: Bool { host.utf8.contains(UInt8(ascii: ":")) }

  /// As replicas are called.
  var text: String { isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)" }

  /// As Envoy has it.
  var message: Envoy_Config_Core_V3_Address {
    .with {
      $0.socketAddress.address = host
      $0.socketAddress.portValue = UInt32(port)
    }
  }
}
