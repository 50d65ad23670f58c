import Model

/// The picks of one service that are not complete; those that stay open for as long as each other are in the order in which
/// they were made, or renewed.
///
/// Places of completed picks are used again; a number that is drawn anew each time a place is used tells an old pick's
/// id from the new one's. What an owner has open is chained, so that taking it costs what it has, not what there is.
struct OpenPicks: Sendable {
  private struct Entry: Sendable {
    var pick: Pick?
    var owner: UInt32 = 0
    /// What it is completed with besides its id.
    var key = PickKey.inProcess
    var life = PickLife.connected
    /// When it was made, or renewed.
    var since = Moment.start
    /// Which use of the place this is.
    var use: UInt32
    /// The next older of the same life.
    var older: Int32 = -1
    /// The next younger; of a free place, the next free one.
    var younger: Int32 = -1
    /// The neighbours in the chain of owners; see ``OpenPicks/chains``.
    var before: Int32 = -1
    var after: Int32 = -1
  }

  /// The ends of the row of those of one life.
  private struct Row: Sendable {
    var oldest: Int32 = -1
    var youngest: Int32 = -1
  }

  private static let useBits = 20
  private static let indexBits = 24
  /// More open picks than a service can have.
  static let limit = 1 << indexBits
  /// Memory for so many picks is kept once there was any.
  static let kept = 1024

  private var entries: [Entry] = []
  /// By ``PickLife``.
  private var rows = PickLife.allCases.map { _ in Row() }
  private var free: Int32 = -1
  /// How many places were freed since the free ones were put in order.
  private var freed = 0
  /// The last place with a pick when it was looked for; -1 for none. As long as one in the second half has a pick, no other
  /// is looked for.
  private var last = -1
  /// How many there are.
  private(set) var count = 0
  /// How often somebody was to complete a pick of somebody else.
  private(set) var foreign: UInt64 = 0
  /// The use of a place that is new.
  private var firstUse: UInt32
  /// The first picks of chains, by the low bits of their owners' numbers; as many as there are places. Owners are
  /// numbered one after the other, so that few share a chain.
  private var chains: [Int32] = []

  /// Makes an empty list; ids of another list are the less likely to be taken for its own, the more `salt` differs.
  init(salt: UInt64) {
    firstUse = UInt32(truncatingIfNeeded: salt) & (1 << Self.useBits - 1)
  }

  /// How many picks there is memory for.
  var capacity: Int { entries.count }

  /// Keeps a pick. Answers the lower 44 bits of its id; nil where there is no room for more.
  mutating func insert(
    _ pick: Pick, owner: UInt32, key: PickKey = .inProcess, life: PickLife = .connected
  ) -> UInt64? {
    let index: Int32
    if free >= 0 {
      index = free
      free = entries[Int(index)].younger
      entries[Int(index)].use = (entries[Int(index)].use &+ 1) & (1 << UInt32(Self.useBits) - 1)
    } else {
      guard entries.count < Self.limit else { return nil }
      index = Int32(entries.count)
      entries.append(Entry(use: firstUse))
      if entries.count > chains.count { rechain(max(16, 2 * entries.count)) }
    }
    entries[Int(index)].pick = pick
    entries[Int(index)].owner = owner
    entries[Int(index)].key = key
    entries[Int(index)].life = life
    enrol(index, at: pick.dispatched)
    if owner != 0 { chain(index) }
    count += 1
    return UInt64(entries[Int(index)].use) << UInt64(Self.indexBits) | UInt64(truncatingIfNeeded: index)
  }

  /// A pick that stays open; nil where there is none of this id (any more), or its key is another.
  mutating func find(_ id: UInt64, key: PickKey = .inProcess) -> Pick? {
    guard let index = place(of: id, key: key) else { return nil }
    return entries[Int(index)].pick
  }

  /// Changes a pick that stays open, and lets it do so for as long again. Answers false where there is none of this id (any
  /// more), or its key is another.
  mutating func renew(_ id: UInt64, key: PickKey = .inProcess, as pick: Pick? = nil, at now: Moment) -> Bool {
    guard let index = place(of: id, key: key) else { return false }
    if let pick { entries[Int(index)].pick = pick }
    strike(index)
    enrol(index, at: now)
    return true
  }

  /// Takes a pick out; nil where there is none of this id (any more), or its key is another.
  mutating func remove(_ id: UInt64, key: PickKey = .inProcess) -> Pick? {
    guard let index = place(of: id, key: key) else { return nil }
    return remove(at: index)
  }

  /// The oldest pick of a life: the one that was not made, nor renewed, for longest.
  func oldest(_ life: PickLife) -> Pick? {
    let oldest = rows[life.rawValue].oldest
    return oldest >= 0 ? entries[Int(oldest)].pick : nil
  }

  /// Takes out the oldest pick of a life where it was made, and renewed, before a time.
  mutating func removeOldest(_ life: PickLife, before time: Moment = Moment(nanoseconds: .max)) -> Pick? {
    let oldest = rows[life.rawValue].oldest
    guard oldest >= 0, entries[Int(oldest)].since < time else { return nil }
    return remove(at: oldest)
  }

  /// Where an open pick of this id and key is.
  @inline(__always)
  private mutating func place(of id: UInt64, key: PickKey) -> Int32? {
    let index = Int(truncatingIfNeeded: id & (1 << UInt64(Self.indexBits) - 1))
    let use = UInt32(truncatingIfNeeded: id >> UInt64(Self.indexBits) & (1 << UInt64(Self.useBits) - 1))
    guard index < entries.count, entries[index].use == use, entries[index].pick != nil else { return nil }
    guard entries[index].key == key else {
      foreign &+= 1
      return nil
    }
    return Int32(truncatingIfNeeded: index)
  }

  /// Puts a pick at the young end of its row.
  @inline(__always)
  private mutating func enrol(_ index: Int32, at now: Moment) {
    let row = entries[Int(index)].life.rawValue
    let youngest = rows[row].youngest
    entries[Int(index)].since = now
    entries[Int(index)].older = youngest
    entries[Int(index)].younger = -1
    if youngest >= 0 { entries[Int(youngest)].younger = index } else { rows[row].oldest = index }
    rows[row].youngest = index
  }

  /// Takes a pick out of its row.
  @inline(__always)
  private mutating func strike(_ index: Int32) {
    let (older, younger) = (entries[Int(index)].older, entries[Int(index)].younger)
    let row = entries[Int(index)].life.rawValue
    if older >= 0 { entries[Int(older)].younger = younger } else { rows[row].oldest = younger }
    if younger >= 0 { entries[Int(younger)].older = older } else { rows[row].youngest = older }
  }

  /// Takes out a pick of an owner; nil where there is none.
  mutating func removeOne(of owner: UInt32) -> Pick? {
    guard owner != 0, !chains.isEmpty else { return nil }
    var index = chains[chain(of: owner)]
    while index >= 0 {
      if entries[Int(index)].owner == owner { return remove(at: index) }
      index = entries[Int(index)].after
    }
    return nil
  }

  private mutating func remove(at index: Int32) -> Pick? {
    let entry = entries[Int(index)]
    guard let pick = entry.pick else { return nil }
    strike(index)
    if entry.owner != 0 {
      if entry.before >= 0 {
        entries[Int(entry.before)].after = entry.after
      } else {
        chains[chain(of: entry.owner)] = entry.after
      }
      if entry.after >= 0 { entries[Int(entry.after)].before = entry.before }
    }
    entries[Int(index)].pick = nil
    entries[Int(index)].younger = free
    free = index
    freed &+= 1
    count -= 1
    return pick
  }

  /// Gives memory back that a time with many picks left behind, where that is half of it or more; picks at the end keep those
  /// before them, and new ones go to the front.
  ///
  /// To be done now and then: what it looks at and copies is paid for by what it gives back, or by picks that were taken out
  /// since, so that one that somebody keeps at the end costs nothing again and again.
  mutating func shrink() {
    guard entries.count > Self.kept, count < entries.count / 4 else { return }
    if last < entries.count / 2 || last >= entries.count || entries[last].pick == nil {
      last = entries.lastIndex { $0.pick != nil } ?? -1
    }
    let kept = max(Self.kept, last + 1)
    guard kept < entries.count / 2 else {
      if freed > entries.count / 8 { orderFree() }
      return
    }
    for entry in entries[kept...] where entry.use >= firstUse {
      firstUse = (entry.use &+ 1) & (1 << UInt32(Self.useBits) - 1)
    }
    entries = Array(entries[..<kept])
    orderFree()
    rechain(kept)
  }

  /// Lets new picks go to the free places at the front.
  private mutating func orderFree() {
    freed = 0
    free = -1
    for index in entries.indices.reversed() where entries[index].pick == nil {
      entries[index].younger = free
      free = Int32(truncatingIfNeeded: index)
    }
  }

  // MARK: Chains of owners

  private func chain(of owner: UInt32) -> Int { Int(owner) & (chains.count - 1) }

  private mutating func chain(_ index: Int32) {
    let chain = chain(of: entries[Int(index)].owner)
    let after = chains[chain]
    entries[Int(index)].before = -1
    entries[Int(index)].after = after
    if after >= 0 { entries[Int(after)].before = index }
    chains[chain] = index
  }

  private mutating func rechain(_ wanted: Int) {
    var size = 16
    while size < wanted { size *= 2 }
    chains = Array(repeating: -1, count: size)
    for index in entries.indices where entries[index].pick != nil && entries[index].owner != 0 {
      chain(Int32(truncatingIfNeeded: index))
    }
  }
}
