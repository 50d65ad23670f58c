/// Remembers which calls were seen, in memory of bounded size.
///
/// It keeps 64-bit fingerprints in two hash tables. When the newer one is full the older one is forgotten, so that a
/// second record of a call is recognized as long as at most ``capacity`` other calls lie between the two, and often
/// twice as many. Two different calls have the same fingerprint with a probability of about one in 10¹² at that size.
struct RecentCalls: Sendable {
  /// How many calls one table holds.
  let capacity: Int
  private var newer: Table
  private var older: Table

  /// Makes an empty memory; by default of 6 million calls, which take up to 128 MiB.
  init(capacity: Int = 6 << 20) {
    self.capacity = capacity
    newer = Table()
    older = Table()
  }

  /// Remembers a call; answers false where it was seen before.
  mutating func insert(_ fingerprint: UInt64) -> Bool {
    if older.contains(fingerprint) { return false }
    guard newer.insert(fingerprint) else { return false }
    if newer.count >= capacity {
      older = newer
      newer = Table()
    }
    return true
  }

  private struct Table: Sendable {
    /// Zero marks a free slot.
    private var slots = [UInt64](repeating: 0, count: 1 << 10)
    private(set) var count = 0

    func contains(_ fingerprint: UInt64) -> Bool { slots[position(of: fingerprint)] != 0 }

    mutating func insert(_ fingerprint: UInt64) -> Bool {
      let position = position(of: fingerprint)
      guard slots[position] == 0 else { return false }
      slots[position] = Self.key(fingerprint)
      count += 1
      if count * 4 > slots.count * 3 { grow() }
      return true
    }

    private static func key(_ fingerprint: UInt64) -> UInt64 { fingerprint == 0 ? 1 : fingerprint }

    private func position(of fingerprint: UInt64) -> Int {
      let key = Self.key(fingerprint)
      let mask = slots.count - 1
      var position = Int(truncatingIfNeeded: key) & mask
      while slots[position] != 0, slots[position] != key { position = (position + 1) & mask }
      return position
    }

    private mutating func grow() {
      let old = slots
      slots = [UInt64](repeating: 0, count: old.count * 2)
      for key in old where key != 0 { slots[position(of: key)] = key }
    }
  }
}
