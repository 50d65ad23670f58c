/// Consistent hashing with bounded loads (Mirrokni, Thorup and Zadimoghaddam, 2018): a key goes to the first replica
/// behind it on a ring that has room, where having room means not to exceed its share by more than a bound.
struct HashRing: Sendable {
  private struct Point: Sendable {
    var hash: UInt64
    var slot: Int32
  }

  /// Points of a replica of average weight.
  private static let points = 64.0
  private var ring: [Point] = []

  /// Sets the points of all replicas of a table. A replica's points hang on its name alone.
  init(_ table: ReplicaTable) {
    var weight = 0.0
    for id in table.ids { weight += table.weight(id.slot) }
    let average = weight / Double(max(1, table.count))
    for id in table.ids {
      let name = Self.hash(table.roster.replicas[id.slot].name)
      let count = max(1, Int((Self.points * table.weight(id.slot) / average).rounded()))
      for k in 0..<count {
        ring.append(Point(hash: Self.mix(name &+ UInt64(k) &* 0x9E37_79B9_7F4A_7C15), slot: Int32(id.slot)))
      }
    }
    ring.sort { ($0.hash, $0.slot) < ($1.hash, $1.slot) }
  }

  /// The first replica behind a key that fits and has room; the first that fits where none has room, nil where
  /// none fits.
  func owner(of key: UInt64, fits: (Int) -> Bool, hasRoom: (Int) -> Bool) -> Int? {
    guard !ring.isEmpty else { return nil }
    let hash = Self.mix(key)
    var low = 0
    var high = ring.count
    while low < high {
      let middle = (low + high) / 2
      if ring[middle].hash < hash { low = middle + 1 } else { high = middle }
    }
    var first: Int?
    for step in 0..<ring.count {
      let at = low + step
      let slot = Int(ring[at < ring.count ? at : at - ring.count].slot)
      guard fits(slot) else { continue }
      if hasRoom(slot) { return slot }
      first = first ?? slot
    }
    return first
  }

  /// FNV-1a: the same on every machine, so that selectors agree.
  private static func hash(_ text: String) -> UInt64 {
    text.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  }

  /// The finisher of SplitMix64.
  private static func mix(_ value: UInt64) -> UInt64 {
    var z = value &+ 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
