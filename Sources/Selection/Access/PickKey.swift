/// What a pick is completed with besides its id: 128 bits that its asker alone has.
///
/// Who is proven has one key for all its picks, whatever the connection; it is made from the identity and never sent. Who
/// is not proven is given one with each answer.
package struct PickKey: Hashable, Sendable {
  /// The first half.
  package var high: UInt64
  /// The second half.
  package var low: UInt64

  /// Makes a key of its halves.
  package init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// The key of picks that are made and completed within this process; no message has it.
  package static let inProcess = PickKey(high: 0, low: 0)

  /// How many bytes it is in a message.
  package static let byteCount = 16

  /// A key that nobody can guess.
  package static func random() -> PickKey {
    var generator = SystemRandomNumberGenerator()
    return PickKey(high: generator.next() | 1, low: generator.next())
  }

  /// The key of all that is picked by somebody who is proven; nil for others. It differs from process to process.
  package static func of(_ identity: Identity) -> PickKey? {
    guard identity.isProven else { return nil }
    // Swift's hashes are keyed (SipHash) with what this process alone knows, so that nobody can choose names that collide.
    var (first, second) = (Hasher(), Hasher())
    first.combine(1)
    second.combine(2)
    first.combine(identity)
    second.combine(identity)
    return PickKey(
      high: UInt64(bitPattern: Int64(first.finalize())) | 1, low: UInt64(bitPattern: Int64(second.finalize())))
  }

  /// The key in a message; nil where there is none.
  package init?(bytes: UnsafeRawBufferPointer) {
    guard bytes.count == Self.byteCount else { return nil }
    high = bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self)
    low = bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
    guard self != .inProcess else { return nil }
  }

  /// Calls a function with the key as it is in a message.
  @inlinable
  package func withBytes<Result>(_ use: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    try withUnsafeBytes(of: (high, low), use)
  }
}
