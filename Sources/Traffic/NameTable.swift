/// Maps names, as the bytes that stand in a dump, to indices: a hash table with open addressing.
///
/// It saves making a `String` for every row of a dump that repeats the same names millions of times.
struct NameTable: Sendable {
  private struct Slot {
    var hash = 0
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
    let slot = slots[position(of: name, hash: hash(of: name))]
    return slot.length < 0 ? nil : slot.value
  }

  /// Sets the value of a name.
  mutating func insert(_ name: UnsafeRawBufferPointer, _ value: Int) {
    if used * 2 >= slots.count { grow() }
    let hash = hash(of: name)
    let position = position(of: name, hash: hash)
    if slots[position].length < 0 {
      slots[position] = Slot(hash: hash, start: arena.count, length: name.count, value: value)
      arena.append(contentsOf: name)
      used += 1
    } else {
      slots[position].value = value
    }
  }

  /// Swift's own hash, seeded anew in every process, so that no dump can be made whose names all collide.
  private func hash(of name: UnsafeRawBufferPointer) -> Int {
    var hasher = Hasher()
    hasher.combine(bytes: name)
    return hasher.finalize()
  }

  /// The slot that holds the name, or the free one where it belongs.
  private func position(of name: UnsafeRawBufferPointer, hash: Int) -> Int {
    let mask = slots.count - 1
    var position = hash & mask
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
      var position = slot.hash & mask
      while slots[position].length >= 0 { position = (position + 1) & mask }
      slots[position] = slot
    }
  }
}
