public import Selection

/// The answer to a ``PickQuery``: memory that is used for one after the other, so that a pick allocates nothing.
///
/// It belongs to one thread at a time.
public final class PickAnswer {
  /// The longest address, in bytes.
  public static let longestAddress = 255
  /// The most alternatives.
  public static let mostAlternatives = 3

  /// To complete the pick with; never 0.
  public internal(set) var id: UInt64 = 0
  /// How far the replica is.
  public internal(set) var tier = Tier.remote
  /// Whether no replica was fit, and this one was named all the same.
  public internal(set) var isPanic = false
  /// How many addresses there are: the pick's, then the alternatives', the best first.
  public private(set) var count = 0
  private let bytes: UnsafeMutableRawBufferPointer
  private var lengths: (Int, Int, Int, Int) = (0, 0, 0, 0)

  /// Makes an answer to be filled.
  public init() {
    bytes = .allocate(byteCount: (Self.longestAddress + 1) * (Self.mostAlternatives + 1), alignment: 16)
    bytes.initializeMemory(as: UInt8.self, repeating: 0)
  }

  deinit {
    bytes.deallocate()
  }

  /// The bytes of an address; valid until the answer is filled again. A zero byte follows them.
  public func address(_ index: Int) -> UnsafeRawBufferPointer {
    precondition(index >= 0 && index < count, "there are \(count) addresses")
    let length =
      switch index {
      case 0: lengths.0
      case 1: lengths.1
      case 2: lengths.2
      default: lengths.3
      }
    let start = index * (Self.longestAddress + 1)
    return UnsafeRawBufferPointer(rebasing: bytes[start..<start + length])
  }

  /// An address as a string.
  public func addressString(_ index: Int) -> String { String(decoding: address(index), as: UTF8.self) }

  func clear() {
    count = 0
  }

  /// Adds an address of at most ``longestAddress`` bytes.
  func append(_ address: String) {
    precondition(count <= Self.mostAlternatives, "an answer holds \(Self.mostAlternatives + 1) addresses")
    let start = count * (Self.longestAddress + 1)
    var length = 0
    for byte in address.utf8.prefix(Self.longestAddress) {
      bytes[start + length] = byte
      length += 1
    }
    bytes[start + length] = 0
    switch count {
    case 0: lengths.0 = length
    case 1: lengths.1 = length
    case 2: lengths.2 = length
    default: lengths.3 = length
    }
    count += 1
  }
}
