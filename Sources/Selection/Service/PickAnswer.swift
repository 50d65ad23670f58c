package import Model

/// The answer to a ``PickQuery``: memory that is used for one after the other, so that a pick allocates nothing.
///
/// It belongs to one thread at a time.
package final class PickAnswer {
  /// The longest address, in bytes.
  package static let longestAddress = 255
  /// The most alternatives.
  package static let mostAlternatives = 3

  private struct Content {
    var id: UInt64 = 0
    var tier = Tier.remote
    var isPanic = false
    var count = 0
    var hops = 0
    var retryAfter: UInt32 = 0
    var lengths: (Int, Int, Int, Int) = (0, 0, 0, 0)
  }

  /// Behind a pointer, as it belongs to one thread and picks are frequent: what is in the object itself is checked for
  /// overlapping use whenever it is touched.
  private let content: UnsafeMutablePointer<Content>
  private let bytes: UnsafeMutableRawPointer

  /// Makes an answer to be filled.
  package init() {
    content = .allocate(capacity: 1)
    content.initialize(to: Content())
    bytes = .allocate(byteCount: (Self.longestAddress + 1) * (Self.mostAlternatives + 1), alignment: 16)
  }

  deinit {
    content.deallocate()
    bytes.deallocate()
  }

  /// To complete the pick with; never 0.
  package internal(set) var id: UInt64 {
    get { content.pointee.id }
    set { content.pointee.id = newValue }
  }

  /// How far the replica is.
  package internal(set) var tier: Tier {
    get { content.pointee.tier }
    set { content.pointee.tier = newValue }
  }

  /// Whether no replica was fit, and this one was named all the same.
  package internal(set) var isPanic: Bool {
    get { content.pointee.isPanic }
    set { content.pointee.isPanic = newValue }
  }

  /// How often the request will have been sent from one cluster to another once it is at the replica. Counted only for
  /// services with a policy of overflow; 0 for others.
  package internal(set) var hops: Int {
    get { content.pointee.hops }
    set { content.pointee.hops = newValue }
  }

  /// Where ``PickStatus/full``: after how many milliseconds to try again; 0 where nobody knows.
  package internal(set) var retryAfter: UInt32 {
    get { content.pointee.retryAfter }
    set { content.pointee.retryAfter = newValue }
  }

  /// How many addresses there are: the pick's, then the alternatives', the best first.
  package var count: Int { content.pointee.count }

  /// The bytes of an address; valid until the answer is filled again. A zero byte follows them.
  package func address(_ index: Int) -> UnsafeRawBufferPointer {
    precondition(index >= 0 && index < count, "there are \(count) addresses")
    let length =
      switch index {
      case 0: content.pointee.lengths.0
      case 1: content.pointee.lengths.1
      case 2: content.pointee.lengths.2
      default: content.pointee.lengths.3
      }
    return UnsafeRawBufferPointer(start: bytes + index * (Self.longestAddress + 1), count: length)
  }

  /// An address as a string.
  package func addressString(_ index: Int) -> String { String(decoding: address(index), as: UTF8.self) }

  func clear() {
    content.pointee.count = 0
    content.pointee.hops = 0
    content.pointee.retryAfter = 0
  }

  /// Adds an address of at most ``longestAddress`` bytes.
  func append(_ address: String) {
    precondition(count <= Self.mostAlternatives, "an answer holds \(Self.mostAlternatives + 1) addresses")
    let start = bytes + count * (Self.longestAddress + 1)
    var address = address
    let length = address.withUTF8 { text in
      let length = min(text.count, Self.longestAddress)
      if let base = text.baseAddress { start.copyMemory(from: base, byteCount: length) }
      return length
    }
    start.storeBytes(of: 0, toByteOffset: length, as: UInt8.self)
    switch count {
    case 0: content.pointee.lengths.0 = length
    case 1: content.pointee.lengths.1 = length
    case 2: content.pointee.lengths.2 = length
    default: content.pointee.lengths.3 = length
    }
    content.pointee.count += 1
  }
}
