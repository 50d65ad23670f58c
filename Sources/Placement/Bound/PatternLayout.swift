/// The order in which a search decides on items, and how it packs their counts into words.
struct PatternLayout {
  /// Items in the order in which they are decided.
  var order: [Int]
  /// The step in which each item is decided.
  var position: [Int]
  /// Relations with items decided before, for each step.
  var relations: [[Relation]]
  /// For each item, where its count lies.
  var fields: [Field]
  /// Words that the counts of all items take.
  var wordCount: Int
  /// For each step and word, the bits of decided items that still have relations to undecided ones.
  var frontier: [UInt64]

  /// Where an item's count lies in the words.
  struct Field {
    var word: Int
    var shift: UInt64
    var mask: UInt64
  }

  /// A tie between an item and one that is decided before.
  struct Relation {
    var other: Int
    /// Index of the edge; nil where the two may not share a bin.
    var edge: Int?
  }

  init(_ tier: PatternTier, limits: [Int]) {
    let count = tier.itemCount
    var ties: [[(other: Int, edge: Int?, weight: Double)]] = Array(repeating: [], count: count)
    for (e, edge) in tier.edges.enumerated() {
      ties[edge.u].append((edge.v, e, edge.gain))
      ties[edge.v].append((edge.u, e, edge.gain))
    }
    for (a, b) in tier.conflicts {
      ties[a].append((b, nil, 0))
      ties[b].append((a, nil, 0))
    }

    order = Self.order(ties.map { $0.map { ($0.other, $0.weight) } })
    position = Array(repeating: 0, count: count)
    for (step, item) in order.enumerated() { position[item] = step }
    let position = position
    relations = order.enumerated().map { step, item in
      ties[item].filter { position[$0.other] < step }.map { Relation(other: $0.other, edge: $0.edge) }
    }

    fields = Array(repeating: Field(word: 0, shift: 0, mask: 0), count: count)
    var word = 0
    var used = 0
    for item in order {
      let bits = Int.bitWidth - limits[item].leadingZeroBitCount
      if used + bits > 64 {
        word += 1
        used = 0
      }
      fields[item] = Field(word: word, shift: UInt64(used % 64), mask: bits == 0 ? 0 : UInt64.max >> UInt64(64 - bits))
      used += bits
    }
    wordCount = word + 1

    frontier = Array(repeating: 0, count: count * wordCount)
    for (first, item) in order.enumerated() {
      let last = ties[item].map { position[$0.other] }.max() ?? first
      for step in first..<max(first, last) {
        frontier[step * wordCount + fields[item].word] |= fields[item].mask << fields[item].shift
      }
    }
  }

  /// Always decides on the item that lets the frontier grow least; among those, on the one with the strongest ties.
  private static func order(_ ties: [[(other: Int, weight: Double)]]) -> [Int] {
    var isDecided = Array(repeating: false, count: ties.count)
    var undecided = ties.map(\.count)
    var order: [Int] = []
    while order.count < ties.count {
      var best: (item: Int, growth: Int, tie: Double)?
      for i in ties.indices where !isDecided[i] {
        var growth = undecided[i] > 0 ? 1 : 0
        var tie = 0.0
        for (other, weight) in ties[i] where isDecided[other] {
          tie += weight
          if undecided[other] == 1 { growth -= 1 }
        }
        if let best, (growth, -tie) >= (best.growth, -best.tie) { continue }
        best = (i, growth, tie)
      }
      guard let item = best?.item else { break }
      isDecided[item] = true
      for (other, _) in ties[item] { undecided[other] -= 1 }
      order.append(item)
    }
    return order
  }
}
