import Selection

/// The picks of one service that are not complete, in the order in which they were made.
///
/// Places of completed picks are used again; a number that is drawn anew each time a place is used tells an old pick's
/// id from the new one's.
struct OpenPicks: Sendable {
  private struct Entry: Sendable {
    var pick: Pick?
    var owner: UInt32 = 0
    /// Which use of the place this is.
    var use: UInt32
    var older: Int32 = -1
    /// The next younger; of a free place, the next free one.
    var younger: Int32 = -1
  }

  private static let useBits = 20
  private static let indexBits = 24
  /// More open picks than a service can have.
  static let limit = 1 << indexBits

  private var entries: [Entry] = []
  private var oldest: Int32 = -1
  private var youngest: Int32 = -1
  private var free: Int32 = -1
  /// How many there are.
  private(set) var count = 0
  private let firstUse: UInt32

  /// Makes an empty list; ids of another list are the less likely to be taken for its own, the more `salt` differs.
  init(salt: UInt64) {
    firstUse = UInt32(truncatingIfNeeded: salt) & (1 << Self.useBits - 1)
  }

  /// When the oldest was picked; nil where there is none.
  var oldestDispatch: Moment? { oldest < 0 ? nil : entries[Int(oldest)].pick?.dispatched }

  /// Keeps a pick. Answers the lower 44 bits of its id; nil where there is no room for more.
  mutating func insert(_ pick: Pick, owner: UInt32) -> UInt64? {
    let index: Int32
    if free >= 0 {
      index = free
      free = entries[Int(index)].younger
      entries[Int(index)].use = (entries[Int(index)].use &+ 1) & (1 << UInt32(Self.useBits) - 1)
    } else {
      guard entries.count < Self.limit else { return nil }
      index = Int32(entries.count)
      entries.append(Entry(use: firstUse))
    }
    entries[Int(index)].pick = pick
    entries[Int(index)].owner = owner
    entries[Int(index)].older = youngest
    entries[Int(index)].younger = -1
    if youngest >= 0 { entries[Int(youngest)].younger = index } else { oldest = index }
    youngest = index
    count += 1
    return UInt64(entries[Int(index)].use) << UInt64(Self.indexBits) | UInt64(index)
  }

  /// Takes a pick out; nil where there is none of this id (any more).
  mutating func remove(_ id: UInt64) -> Pick? {
    let index = Int(id & (1 << UInt64(Self.indexBits) - 1))
    let use = UInt32(id >> UInt64(Self.indexBits) & (1 << UInt64(Self.useBits) - 1))
    guard index < entries.count, entries[index].use == use else { return nil }
    return remove(at: Int32(index))
  }

  /// Takes out the oldest pick where it was made before a time.
  mutating func removeOldest(before time: Moment) -> Pick? {
    guard let dispatched = oldestDispatch, dispatched < time else { return nil }
    return remove(at: oldest)
  }

  /// Takes out a pick of an owner; nil where there is none. Looks from `position` on and leaves it where to go on.
  mutating func removeNext(of owner: UInt32, from position: inout Int) -> Pick? {
    while position < entries.count {
      defer { position += 1 }
      if entries[position].pick != nil, entries[position].owner == owner { return remove(at: Int32(position)) }
    }
    return nil
  }

  private mutating func remove(at index: Int32) -> Pick? {
    let entry = entries[Int(index)]
    guard let pick = entry.pick else { return nil }
    if entry.older >= 0 { entries[Int(entry.older)].younger = entry.younger } else { oldest = entry.younger }
    if entry.younger >= 0 { entries[Int(entry.younger)].older = entry.older } else { youngest = entry.older }
    entries[Int(index)].pick = nil
    entries[Int(index)].younger = free
    free = index
    count -= 1
    return pick
  }
}
