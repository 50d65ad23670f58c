/// Maps names, as the bytes that stand in a dump, to indices: a hash table with open addressing.
///
/// It saves making a `String` for every row of a dump that repeats the same names millions of times.
struct NameTable: Sendable {
  private struct Slot {
    var hash: UInt64 = 0
    var start = 0
    var length = -1
    var value = 0
  }

  private var slots = [Slot](repeating: Slot(), count: 64)
  private var used = 0
  /// The bytes of all names, one after the other.
  private var arena: [UInt8] = []

  /// The value of a name; nil where it was never inserted.
  subscript(name: UnsafeRawBufferPointer) -> Int? {
    let slot = slots[position(of: name, hash: fingerprint(name))]
    return slot.length < 0 ? nil : slot.value
  }

  /// Sets the value of a name.
  mutating func insert(_ name: UnsafeRawBufferPointer, _ value: Int) {
    if used * 2 >= slots.count { grow() }
    let hash = fingerprint(name)
    let position = position(of: name, hash: hash)
    if slots[position].length < 0 {
      slots[position] = Slot(hash: hash, start: arena.count, length: name.count, value: value)
      arena.append(contentsOf: name)
      used += 1
    } else {
      slots[position].value = value
    }
  }

  /// The slot that holds the name, or the free one where it belongs.
  private func position(of name: UnsafeRawBufferPointer, hash: UInt64) -> Int {
    let mask = slots.count - 1
    var position = Int(truncatingIfNeeded: hash) & mask
    while slots[position].length >= 0 {
      if slots[position].hash == hash, holds(name, slots[position]) { return position }
      position = (position + 1) & mask
    }
    return position
  }

  private func holds(_ name: UnsafeRawBufferPointer, _ slot: Slot) -> Bool {
    guard slot.length == name.count else { return false }
    for index in 0..<name.count where arena[slot.start + index] != name[index] { return false }
    return true
  }

  private mutating func grow() {
    let old = slots
    slots = [Slot](repeating: Slot(), count: old.count * 2)
    let mask = slots.count - 1
    for slot in old where slot.length >= 0 {
      var position = Int(truncatingIfNeeded: slot.hash) & mask
      while slots[position].length >= 0 { position = (position + 1) & mask }
      slots[position] = slot
    }
  }
}

/// A 64-bit hash of bytes: eight at a time, multiplied and folded as in wyhash.
///
/// It is the same in every process, so that results do not depend on a random seed.
func fingerprint(_ bytes: UnsafeRawBufferPointer, seed: UInt64 = 0x9E37_79B9_7F4A_7C15) -> UInt64 {
  var hash = seed ^ UInt64(bytes.count)
  var index = 0
  while index + 8 <= bytes.count {
    hash = mix(hash ^ UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)))
    index += 8
  }
  var tail: UInt64 = 0
  var shift: UInt64 = 0
  while index < bytes.count {
    tail |= UInt64(bytes[index]) << shift
    shift += 8
    index += 1
  }
  return mix(hash ^ tail)
}

@inline(__always)
private func mix(_ value: UInt64) -> UInt64 {
  let product = (value ^ 0xA076_1D64_78BD_642F).multipliedFullWidth(by: 0xE703_7ED1_A0B4_28DB)
  return product.high ^ product.low
}
