import CProtobufC

/// Bytes that wait to be written or read.
struct OutputBuffer: ~Copyable {
  /// Memory that an empty buffer may keep.
  static let kept = 512 << 10

  private(set) var base: UnsafeMutablePointer<UInt8>
  private(set) var count = 0
  private var capacity: Int

  init(capacity: Int) {
    self.capacity = capacity
    base = .allocate(capacity: capacity)
  }

  deinit {
    base.deallocate()
  }

  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

  /// Where at least some bytes can be written, which ``advance(to:)`` then adds.
  @inline(__always)
  mutating func room(for length: Int) -> UnsafeMutablePointer<UInt8> {
    if capacity - count < length { grow(by: length) }
    return base + count
  }

  @inline(__always)
  mutating func advance(to end: UnsafeMutablePointer<UInt8>) {
    count = end - base
  }

  mutating func append(_ bytes: UnsafeRawBufferPointer) {
    guard let start = bytes.baseAddress else { return }
    room(for: bytes.count).update(from: start.assumingMemoryBound(to: UInt8.self), count: bytes.count)
    count += bytes.count
  }

  /// Takes bytes away at the front.
  mutating func drop(_ length: Int) {
    count -= length
    if count > 0 { base.update(from: base + length, count: count) }
  }

  /// Takes all away, and the memory too where it is much.
  mutating func removeAll() {
    count = 0
    guard capacity > Self.kept else { return }
    base.deallocate()
    base = .allocate(capacity: 0)
    capacity = 0
  }

  private mutating func grow(by length: Int) {
    capacity = max(capacity * 2, count + length)
    let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
    larger.update(from: base, count: count)
    base.deallocate()
    base = larger
  }
}
