import Glibc
import Selection

/// Services by the bytes of their names, so that a pick makes no string. Belongs to one thread.
///
/// It holds names only of services that there are, so nobody can fill it from outside. Services stay alive as long as
/// the ``ServiceDirectory`` from which they were added: whoever has the cache keeps that, and empties the cache when it
/// takes another.
struct ServiceCache: ~Copyable {
  private struct Slot {
    var hash: UInt64
    var name: UnsafeMutablePointer<UInt8>
    var length: Int
    var service: Unmanaged<DispatchedService>
  }

  /// More names than that are forgotten all at once: who asks for many is not to make the cache dear for the others.
  static let most = 4096

  private var slots: UnsafeMutablePointer<Slot?>
  private var mask: Int
  private(set) var count = 0

  init() {
    mask = 63
    slots = .allocate(capacity: 64)
    slots.initialize(repeating: nil, count: 64)
  }

  deinit {
    for index in 0...mask { slots[index]?.name.deallocate() }
    slots.deallocate()
  }

  /// The service of a name; nil where it was not added.
  @inline(__always)
  func service(_ name: UnsafePointer<UInt8>, _ length: Int) -> Unmanaged<DispatchedService>? {
    let hash = Self.hash(name, length)
    var index = Int(truncatingIfNeeded: hash) & mask
    while let slot = slots[index] {
      if slot.hash == hash, slot.length == length, memcmp(slot.name, name, length) == 0 { return slot.service }
      index = (index + 1) & mask
    }
    return nil
  }

  /// Adds a service that is not there yet.
  mutating func add(_ service: DispatchedService, _ name: UnsafePointer<UInt8>, _ length: Int) {
    if count >= Self.most { removeAll() }
    if 2 * (count + 1) > mask { grow() }
    let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: max(1, length))
    copy.initialize(from: name, count: length)
    insert(Slot(hash: Self.hash(name, length), name: copy, length: length, service: .passUnretained(service)))
  }

  mutating func removeAll() {
    for index in 0...mask {
      slots[index]?.name.deallocate()
      slots[index] = nil
    }
    count = 0
  }

  private mutating func insert(_ slot: Slot) {
    var index = Int(truncatingIfNeeded: slot.hash) & mask
    while slots[index] != nil { index = (index + 1) & mask }
    slots[index] = slot
    count += 1
  }

  private mutating func grow() {
    let (old, size) = (slots, mask + 1)
    mask = 2 * size - 1
    slots = .allocate(capacity: 2 * size)
    slots.initialize(repeating: nil, count: 2 * size)
    count = 0
    for index in 0..<size {
      if let slot = old[index] { insert(slot) }
    }
    old.deallocate()
  }

  /// Eight bytes at a time; good enough for names that come from the selector's own configuration.
  @inline(__always)
  private static func hash(_ name: UnsafePointer<UInt8>, _ length: Int) -> UInt64 {
    let raw = UnsafeRawPointer(name)
    var hash = UInt64(truncatingIfNeeded: length) &* 0x9E37_79B9_7F4A_7C15
    var offset = 0
    while offset &+ 8 <= length {
      hash = mix(hash ^ raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
      offset &+= 8
    }
    var rest: UInt64 = 0
    while offset < length {
      rest = rest << 8 | UInt64(name[offset])
      offset &+= 1
    }
    return mix(hash ^ rest)
  }

  @inline(__always)
  private static func mix(_ value: UInt64) -> UInt64 {
    let product = value.multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
    return product.high ^ product.low
  }
}
