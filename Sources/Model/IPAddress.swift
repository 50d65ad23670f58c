#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// An address of the internet protocol, in one form: an IPv4 address that is written as IPv6 (`::ffff:10.0.0.1`) is the IPv4
/// address.
public struct IPAddress: Hashable, Sendable, CustomStringConvertible {
  /// Its bytes, of which IPv4 addresses have the last four, after ten zeros and 0xffff.
  package let high: UInt64
  package let low: UInt64

  /// Reads an address, with or without brackets; nil where it is none.
  public init?(_ text: some StringProtocol) {
    var text = String(text)
    if text.hasPrefix("["), text.hasSuffix("]") { text = String(text.dropFirst().dropLast()) }
    var four = in_addr()
    if inet_pton(AF_INET, text, &four) == 1 {
      high = 0
      low = 0xFFFF_0000_0000 | UInt64(UInt32(bigEndian: four.s_addr))
      return
    }
    var six = in6_addr()
    guard inet_pton(AF_INET6, text, &six) == 1 else { return nil }
    (high, low) = withUnsafeBytes(of: six) {
      (
        UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
        UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
      )
    }
  }

  /// The address of a replica, `host:port`; nil where the host is a name.
  public init?(ofReplica address: String) {
    guard let colon = address.lastIndex(of: ":") else { return nil }
    self.init(address[..<colon])
  }

  /// The address as it is written.
  public var description: String {
    var text = [CChar](repeating: 0, count: 64)
    if isFour {
      var four = in_addr(s_addr: UInt32(truncatingIfNeeded: low).bigEndian)
      inet_ntop(AF_INET, &four, &text, socklen_t(text.count))
    } else {
      var bytes = (high.bigEndian, low.bigEndian)
      inet_ntop(AF_INET6, &bytes, &text, socklen_t(text.count))
    }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Whether it is this machine, whichever that is.
  public var isLoopback: Bool {
    high == 0 && (low == 1 || low & 0xFFFF_FFFF_FF00_0000 == 0xFFFF_7F00_0000)
  }

  /// Whether it is a loopback, link-local, multicast, broadcast or unspecified address: where administration interfaces
  /// and clouds' metadata are.
  public var isSpecial: Bool {
    // An IPv6 address that is written as `::` and an IPv4 one has no meaning any more, and the first of them are special.
    if high == 0, low >> 32 == 0 { return true }
    guard isFour else { return high >> 56 == 0xFF || high >> 54 == 0xFE80 >> 6 }
    let (first, second) = (low >> 24 & 0xFF, low >> 16 & 0xFF)
    return first == 0 || first == 127 || first == 169 && second == 254 || first >= 224
  }

  /// Whether it is written as IPv4.
  package var isFour: Bool { high == 0 && low >> 32 == 0xFFFF }
}
