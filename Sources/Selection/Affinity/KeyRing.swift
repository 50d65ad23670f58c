import Model

/// Who owns a key: multi-probe consistent hashing (Appleton and O'Reilly, 2015) with bounded loads (Mirrokni, Thorup and
/// Zadimoghaddam, 2018).
///
/// Replicas have a few points each on a ring. A key has many: it belongs to the replica whose point is the nearest behind
/// any of the key's. That spreads keys as evenly as hundreds of points for each replica would, with so few points that
/// the ring is made anew whenever replicas change, in linear time; and a key still moves only to a replica that came
/// or from one that went. An owner without room hands the key on to the owner of the key hashed again, so that what is
/// too much for one is spread over all.
struct KeyRing: Sendable {
  /// Points of a replica of average weight, and of a key.
  private static let points = 4.0
  private static let probes: UInt64 = 21
  /// How often a key is hashed again before one replica after the other is asked.
  private static let attempts: UInt64 = 8
  /// The lower bits of a point are a slot.
  private static let slotMask: UInt64 = 0xFF_FFFF

  /// In order; the upper bits say where on the ring.
  private var ring: [UInt64] = []
  /// For each value of the upper bits the first point there or behind.
  private var starts: [Int32] = [0]
  private var shift: UInt64 = 63

  /// Makes a ring without points.
  init() {}

  /// Sets the points of the replicas in slots, by name and weight; a replica's points hang on these alone.
  init(_ slots: [Int32], _ replicas: [Replica]) {
    let average = slots.reduce(0) { $0 + replicas[Int(truncatingIfNeeded: $1)].weight } / Double(max(1, slots.count))
    var points: [UInt64] = []
    points.reserveCapacity(slots.count * 5)
    for slot in slots {
      let name = StableHash.of(replicas[Int(slot)].name)
      let count = max(1, (Self.points * replicas[Int(slot)].weight / average).rounded())
      for k in 0..<UInt64(saturating: count) {
        points.append(StableHash.mix(name &+ k) & ~Self.slotMask | UInt64(truncatingIfNeeded: slot) & Self.slotMask)
      }
    }
    sort(points)
  }

  /// Puts each point into the part of the ring where it belongs; parts hold about one.
  private mutating func sort(_ points: [UInt64]) {
    var bits: UInt64 = 1
    while 1 << bits < points.count { bits += 1 }
    shift = 64 - bits
    starts = Array(repeating: 0, count: 1 << Int(truncatingIfNeeded: bits) + 1)
    for point in points { starts[Int(point >> shift) + 1] += 1 }
    for part in 1..<starts.count { starts[part] += starts[part - 1] }
    var ends = starts
    ring = Array(repeating: 0, count: points.count)
    for point in points {
      let part = Int(point >> shift)
      var at = Int(ends[part])
      ends[part] += 1
      while at > starts[part], ring[at - 1] > point {
        ring[at] = ring[at - 1]
        at -= 1
      }
      ring[at] = point
    }
  }

  /// The owner of a key that fits and has room; the first that fits where none has room, nil where none fits.
  func owner(of key: UInt64, fits: (Int) -> Bool, hasRoom: (Int) -> Bool) -> Int? {
    guard !ring.isEmpty else { return nil }
    var first: Int?
    var hash = StableHash.mix(key)
    for _ in 0..<Self.attempts {
      let slot = slot(at: nearest(hash))
      hash = StableHash.mix(hash)
      guard fits(slot) else { continue }
      if hasRoom(slot) { return slot }
      first = first ?? slot
    }
    let start = nearest(hash)
    for step in 0..<ring.count {
      let slot = slot(at: (start + step) % ring.count)
      guard fits(slot) else { continue }
      if hasRoom(slot) { return slot }
      first = first ?? slot
    }
    return first
  }

  private func slot(at index: Int) -> Int { Int(truncatingIfNeeded: ring[index] & Self.slotMask) }

  /// The index of the point that is the nearest behind any of the key's.
  private func nearest(_ hash: UInt64) -> Int {
    ring.withUnsafeBufferPointer { ring in
      starts.withUnsafeBufferPointer { starts in
        var best = (index: 0, distance: UInt64.max)
        var probe = hash
        for _ in 0..<Self.probes {
          var index = Int(starts[Int(truncatingIfNeeded: probe >> shift)])
          while index < ring.count, ring[index] < probe { index += 1 }
          if index == ring.count { index = 0 }
          let distance = ring[index] &- probe
          if distance < best.distance { best = (index, distance) }
          // An odd step visits places that are far apart, for each key others.
          probe = probe &+ (hash | 1) &* 0x9E37_79B9_7F4A_7C15
        }
        return best.index
      }
    }
  }
}
