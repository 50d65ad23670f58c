/// The labels of one step of a pattern search: records of 64-bit fields, one after the other.
///
/// A record holds the label's bound, its bound by the multipliers in force, what it uses of each resource, and its
/// counts, packed.
struct LabelLayer: ~Copyable {
  /// Fields of one record.
  let stride: Int
  private let resourceCount: Int
  private let wordCount: Int
  private(set) var capacity = 0
  private(set) var records: UnsafeMutablePointer<UInt64>
  /// The next label in the same bucket; −1 at its end.
  private var chain: UnsafeMutablePointer<Int32>
  /// The label that drove a label out; itself where it is still in.
  private var heirs: UnsafeMutablePointer<Int32>
  private var heads: [Int32] = []
  /// The labels that the one at hand beats.
  private var beaten: [Int] = []
  var count = 0

  static let bound = 0
  static let base = 1
  static let load = 2
  var words: Int { 2 + resourceCount }

  init(resourceCount: Int, wordCount: Int) {
    self.resourceCount = resourceCount
    self.wordCount = wordCount
    stride = 2 + resourceCount + wordCount
    records = .allocate(capacity: 0)
    chain = .allocate(capacity: 0)
    heirs = .allocate(capacity: 0)
    reserve(1024)
  }

  deinit {
    records.deallocate()
    chain.deallocate()
    heirs.deallocate()
  }

  /// Makes room for so many labels.
  mutating func reserve(_ wanted: Int) {
    guard wanted > capacity else { return }
    let room = max(wanted, capacity * 2)
    records = Self.moved(records, count * stride, room * stride)
    chain = Self.moved(chain, count, room)
    heirs = Self.moved(heirs, count, room)
    capacity = room
  }

  private static func moved<Element>(
    _ from: UnsafeMutablePointer<Element>, _ count: Int, _ capacity: Int
  ) -> UnsafeMutablePointer<Element> {
    let to = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
    to.update(from: from, count: count)
    from.deallocate()
    return to
  }

  func bound(_ label: Int) -> Double { Double(bitPattern: records[label * stride + Self.bound]) }

  func load(_ label: Int, _ resource: Int) -> Int64 {
    Int64(bitPattern: records[label * stride + Self.load + resource])
  }

  func count(_ label: Int, _ field: PatternLayout.Field) -> Int {
    Int((records[label * stride + 2 + resourceCount + field.word] >> field.shift) & field.mask)
  }

  /// Empties the buckets, enough of them for so many labels.
  mutating func clearBuckets(for labels: Int) {
    let size = 1 << (Int.bitWidth - (max(256, min(labels, 1 << 20)) - 1).leadingZeroBitCount)
    if heads.count == size {
      for i in heads.indices { heads[i] = -1 }
    } else {
      heads = Array(repeating: -1, count: size)
    }
  }

  /// Most labels of a bucket that a new one is compared with; beyond, both stay.
  private static let longestWalk = 64

  /// Puts the label at index `count` into its bucket and answers nil, unless one in there does as well with no more of
  /// any resource: then answers that one. Labels that the new one beats so get the bound −∞.
  mutating func admit(_ frontier: borrowing Frontier) -> Int? {
    let new = records + count * stride
    var hash: UInt64 = 0
    for w in 0..<wordCount {
      hash = (hash ^ (new[words + w] & frontier.mask[w])) &* 0x9E37_79B9_7F4A_7C15
      hash ^= hash >> 32
    }
    let bucket = Int(truncatingIfNeeded: hash) & (heads.count - 1)
    var candidate = heads[bucket]
    var walked = 0
    beaten.removeAll(keepingCapacity: true)
    walk: while candidate >= 0 && walked < Self.longestWalk {
      let other = Int(candidate)
      let old = records + other * stride
      candidate = chain[other]
      walked += 1
      for w in 0..<wordCount where (new[words + w] ^ old[words + w]) & frontier.mask[w] != 0 { continue walk }
      // How much more the new label is worth, up to what all in the bucket have in common.
      var advantage = Double(bitPattern: new[Self.base]) - Double(bitPattern: old[Self.base])
      var usesLess = false
      var usesMore = false
      for k in 0..<resourceCount {
        let difference = Int64(bitPattern: new[Self.load + k]) - Int64(bitPattern: old[Self.load + k])
        advantage += frontier.capacityPrice[k] * Double(difference)
        usesLess = usesLess || difference < 0
        usesMore = usesMore || difference > 0
      }
      if usesLess && usesMore { continue }
      // What more replicas of the light items may still gain at most, either way.
      var newMayGain = 0.0
      var oldMayGain = 0.0
      for item in frontier.light {
        let newCount = Double((new[words + item.field.word] >> item.field.shift) & item.field.mask)
        let oldCount = Double((old[words + item.field.word] >> item.field.shift) & item.field.mask)
        let difference = newCount - oldCount
        advantage -= item.promise * difference
        if difference > 0 { newMayGain += item.gain * difference } else { oldMayGain -= item.gain * difference }
      }
      guard Double(bitPattern: old[Self.bound]) > -Double.infinity else { continue }
      if !usesLess && advantage + newMayGain <= 0 {
        for label in beaten { heirs[label] = Int32(other) }
        return other
      }
      if !usesMore && advantage >= oldMayGain {
        old[Self.bound] = (-Double.infinity).bitPattern
        heirs[other] = Int32(count)
        beaten.append(other)
      }
    }
    chain[count] = heads[bucket]
    heads[bucket] = Int32(count)
    heirs[count] = Int32(count)
    return nil
  }

  /// Where the labels of arcs are after ``remove(upTo:)``: those that were driven out at their heirs, those that were
  /// removed for their bound at −1. To be called before it.
  func places(afterRemovalUpTo floor: Double) -> [Int32] {
    var places: [Int32] = []
    places.reserveCapacity(count)
    var kept: Int32 = 0
    for label in 0..<count {
      places.append(bound(label) > floor ? kept : -1)
      if bound(label) > floor { kept += 1 }
    }
    for label in 0..<count where heirs[label] != Int32(label) {
      var heir = Int(heirs[label])
      while Int(heirs[heir]) != heir { heir = Int(heirs[heir]) }
      places[label] = places[heir]
    }
    return places
  }

  /// Removes labels whose bound is not above a floor.
  mutating func remove(upTo floor: Double) { keep { $0 > floor } }

  private mutating func keep(_ isKept: (Double) -> Bool) {
    var kept = 0
    for label in 0..<count where isKept(bound(label)) {
      if kept != label { (records + kept * stride).update(from: records + label * stride, count: stride) }
      kept += 1
    }
    count = kept
  }

  /// Keeps the labels with the highest bounds. Answers the highest bound among those removed, −∞ where there is none.
  mutating func shrink(to width: Int) -> Double {
    remove(upTo: -.infinity)
    guard count > width else { return -.infinity }
    var bounds = (0..<count).map { bound($0) }
    let threshold = bounds.withUnsafeMutableBufferPointer { Self.select($0, width) }
    var ties = width
    for label in 0..<count where bound(label) > threshold { ties -= 1 }
    keep { bound in
      if bound == threshold { ties -= 1 }
      return bound > threshold || bound == threshold && ties >= 0
    }
    return threshold
  }

  /// The value that has `rank` values before it in falling order (Hoare's selection).
  private static func select(_ values: UnsafeMutableBufferPointer<Double>, _ rank: Int) -> Double {
    var low = 0
    var high = values.count - 1
    while low < high {
      let pivot = values[(low + high) / 2]
      var i = low
      var j = high
      while i <= j {
        while values[i] > pivot { i += 1 }
        while values[j] < pivot { j -= 1 }
        if i <= j {
          values.swapAt(i, j)
          i += 1
          j -= 1
        }
      }
      if rank <= j { high = j } else if rank >= i { low = i } else { break }
    }
    return values[rank]
  }
}

/// The decided items that still have undecided neighbours: what labels have to agree on to be compared.
struct Frontier: ~Copyable {
  /// An item whose open edges gain so little that labels need not agree on it.
  struct Light {
    var field: PatternLayout.Field
    /// What a replica is promised for open edges by the multipliers in force, and what it gains by them at most.
    var promise: Double
    var gain: Double
  }

  /// The bits that have to agree.
  let mask: UnsafeMutablePointer<UInt64>
  let capacityPrice: [Double]
  var light: [Light] = []

  init(mask bits: ArraySlice<UInt64>, capacityPrice: [Double]) {
    mask = .allocate(capacity: max(1, bits.count))
    for (w, word) in bits.enumerated() { mask[w] = word }
    self.capacityPrice = capacityPrice
  }

  deinit { mask.deallocate() }
}
