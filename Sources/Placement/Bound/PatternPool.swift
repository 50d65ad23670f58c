/// What one bin may hold: counts of items.
struct Pattern {
  /// Items and how many replicas of each, no zero counts.
  var entries: [(item: Int32, count: Int32)]
  /// What the objective gains by a bin that holds it.
  var gain: Double
  /// What it uses of each resource.
  var load: [Int64]

  init(_ counts: [Int32], _ tier: PatternTier) {
    entries = []
    load = Array(repeating: 0, count: tier.resourceCount)
    for (item, count) in counts.enumerated() where count > 0 {
      entries.append((Int32(item), count))
      for k in load.indices { load[k] += Int64(count) * tier.requests[item * tier.resourceCount + k] }
    }
    gain = tier.gain(counts)
  }

  /// How many replicas of an item it has.
  func count(of item: Int) -> Int {
    for entry in entries where entry.item == item { return Int(entry.count) }
    return 0
  }

  /// Counts of all items.
  func counts(_ itemCount: Int) -> [Int] {
    var counts = Array(repeating: 0, count: itemCount)
    for (item, count) in entries { counts[Int(item)] = Int(count) }
    return counts
  }

  /// What it gains less what its items cost.
  func worth(_ prices: [Double]) -> Double {
    var worth = gain
    for (item, count) in entries { worth -= prices[Int(item)] * Double(count) }
    return worth
  }

  /// Whether a bin of a group can hold it.
  func fits(_ group: PatternTier.Group) -> Bool {
    for k in load.indices where load[k] > group.capacity[k] { return false }
    return entries.allSatisfy { Int($0.count) <= group.limits[Int($0.item)] }
  }
}

/// Patterns found so far, each once, with the groups that it is a column for.
struct PatternPool {
  private(set) var patterns: [Pattern] = []
  private var indices: [[Int32]: Int] = [:]

  /// Index of a pattern, which is added where it is new.
  mutating func index(of counts: [Int32], _ tier: PatternTier) -> Int {
    if let index = indices[counts] { return index }
    indices[counts] = patterns.count
    patterns.append(Pattern(counts, tier))
    return patterns.count - 1
  }
}
