#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Gives each name a number, from 0 on, and finds the number of a name that is still bytes of a request: 5,000 node names
/// are looked up in each call, and none of them is to become a `String` for that.
struct NameTable: Sendable {
  /// The bytes of all names, one after the other.
  private var bytes: [UInt8] = []
  /// Where the name of each number ends in ``bytes``.
  private var ends: [Int] = []
  /// Open addressing: the number of a name, or −1. A power of two, never more than half full.
  private var slots: [Int32] = Array(repeating: -1, count: 16)

  /// How many names there are.
  var count: Int { ends.count }

  /// The name of a number.
  subscript(number: Int) -> String {
    String(decoding: bytes[(number == 0 ? 0 : ends[number - 1])..<ends[number]], as: UTF8.self)
  }

  /// The number of a name; nil for one that is not known.
  func number(of name: UnsafeRawBufferPointer) -> Int? {
    let number = slots[slot(of: name)]
    return number < 0 ? nil : Int(number)
  }

  /// The number of a name; nil for one that is not known.
  func number(of name: String) -> Int? {
    var name = name
    return name.withUTF8 { number(of: UnsafeRawBufferPointer($0)) }
  }

  /// The number of a name, which is added where it is new.
  mutating func insert(_ name: String) -> Int {
    var name = name
    return name.withUTF8 { utf8 in
      let name = UnsafeRawBufferPointer(utf8)
      if let known = number(of: name) { return known }
      bytes.append(contentsOf: name)
      ends.append(bytes.count)
      if ends.count * 2 > slots.count { grow() } else { slots[slot(of: name)] = Int32(ends.count - 1) }
      return ends.count - 1
    }
  }

  /// The slot that holds a name, or the free one where it belongs.
  private func slot(of name: UnsafeRawBufferPointer) -> Int {
    withContents { $0.slot(of: name) }
  }

  /// The numbers of many names that are parts of some bytes; −1 for one that is not known.
  func numbers(count: Int, in text: UnsafeRawBufferPointer, name: (Int) -> Range<Int>) -> [Int32] {
    withContents { contents in
      Array(unsafeUninitializedCapacity: count) { numbers, written in
        for i in 0..<count {
          numbers[i] = contents.slots[contents.slot(of: UnsafeRawBufferPointer(rebasing: text[name(i)]))]
        }
        written = count
      }
    }
  }

  private func withContents<Value>(_ body: (Contents) -> Value) -> Value {
    bytes.withUnsafeBytes { bytes in
      ends.withUnsafeBufferPointer { ends in
        slots.withUnsafeBufferPointer { slots in body(Contents(bytes: bytes, ends: ends, slots: slots)) }
      }
    }
  }

  /// The arrays without their reference counts.
  private struct Contents {
    let bytes: UnsafeRawBufferPointer
    let ends: UnsafeBufferPointer<Int>
    let slots: UnsafeBufferPointer<Int32>

    func slot(of name: UnsafeRawBufferPointer) -> Int {
      let mask = slots.count - 1
      var slot = Int(truncatingIfNeeded: NameTable.hash(name)) & mask
      while slots[slot] >= 0, !holds(name, Int(slots[slot])) { slot = (slot + 1) & mask }
      return slot
    }

    private func holds(_ name: UnsafeRawBufferPointer, _ number: Int) -> Bool {
      let start = number == 0 ? 0 : ends[number - 1]
      guard ends[number] - start == name.count else { return false }
      guard let known = bytes.baseAddress, let wanted = name.baseAddress else { return name.isEmpty }
      return memcmp(known + start, wanted, name.count) == 0
    }
  }

  private mutating func grow() {
    slots = Array(repeating: -1, count: slots.count * 2)
    for number in ends.indices {
      let range = (number == 0 ? 0 : ends[number - 1])..<ends[number]
      let slot = bytes.withUnsafeBytes { bytes in self.slot(of: UnsafeRawBufferPointer(rebasing: bytes[range])) }
      slots[slot] = Int32(truncatingIfNeeded: number)
    }
  }

  /// Eight bytes at a time, each mixed by a multiplication whose high half is folded in.
  fileprivate static func hash(_ name: UnsafeRawBufferPointer) -> UInt64 {
    var hash = UInt64(truncatingIfNeeded: name.count) &* 0x9E37_79B9_7F4A_7C15
    func mix(_ word: UInt64) {
      let product = (hash ^ word).multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
      hash = product.high ^ product.low
    }
    var offset = 0
    while offset + 8 <= name.count {
      mix(name.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
      offset += 8
    }
    var rest: UInt64 = 0
    while offset < name.count {
      rest = rest << 8 | UInt64(name[offset])
      offset += 1
    }
    mix(rest)
    return hash
  }
}
