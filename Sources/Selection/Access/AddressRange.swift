package import Model

/// A range of addresses, such as `10.0.0.0/8` (CIDR).
package struct AddressRange: Hashable, Sendable, CustomStringConvertible {
  private let first: IPAddress
  private let bits: Int
  /// The range as it is written.
  package let description: String

  /// Reads a range, or a single address; nil where it is none.
  package init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count <= 2, let address = parts.first.flatMap({ IPAddress($0) }) else { return nil }
    let most = address.isFour ? 32 : 128
    guard let length = parts.count == 2 ? Int(parts[1]) : most, (0...most).contains(length) else { return nil }
    first = address
    bits = length + (128 - most)
    description = text
  }

  /// Whether an address is in it.
  package func contains(_ address: IPAddress) -> Bool {
    guard address.isFour == first.isFour else { return false }
    func same(_ a: UInt64, _ b: UInt64, _ count: Int) -> Bool {
      count <= 0 || (a ^ b) >> UInt64(64 - min(64, count)) == 0
    }
    return same(address.high, first.high, bits) && same(address.low, first.low, bits - 64)
  }
}
