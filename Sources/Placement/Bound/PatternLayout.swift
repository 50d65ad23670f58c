internal import Foundation
internal import Model

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

  /// - Parameters:
  ///   - limits: the most replicas of each item.
  ///   - order: the items, as ``order(_:)`` answers them.
  init(_ tier: PatternTier, limits: [Int], order: [Int]) {
    self.order = order
    let count = tier.itemCount
    var ties: [[(other: Int, edge: Int?)]] = Array(repeating: [], count: count)
    for (e, edge) in tier.edges.enumerated() {
      ties[edge.u].append((edge.v, e))
      ties[edge.v].append((edge.u, e))
    }
    for (a, b) in tier.conflicts {
      ties[a].append((b, nil))
      ties[b].append((a, nil))
    }

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
      fields[item] = Field(word: word, shift: UInt64(used % 64), mask: bits == 0 ? 0 : UInt64.max >> (64 - bits))
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

  /// An order of a tier's items in which few have undecided neighbours at any time.
  static func order(_ tier: PatternTier) -> [Int] {
    var ties: [[(other: Int, weight: Double)]] = Array(repeating: [], count: tier.itemCount)
    for (u, v, weight) in tier.edges.map({ ($0.u, $0.v, $0.gain) }) + tier.conflicts.map({ ($0, $1, 0) }) {
      ties[u].append((v, weight))
      ties[v].append((u, weight))
    }
    let bits = tier.workloads.indices.map { item in
      log2(Double(tier.groups.reduce(0) { max($0, $1.limits[item]) } + 1))
    }
    return improved(firstOrder(ties), ties.map { $0.map(\.other) }, bits)
  }

  /// Always decides on the item that lets the frontier grow least; among those, on the one with the strongest ties.
  private static func firstOrder(_ ties: [[(other: Int, weight: Double)]]) -> [Int] {
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

  /// Moves items within the order so that frontiers become smaller, by annealing. It counts the square root of the states
  /// that the frontiers' bits make, as bounds leave far fewer of a large frontier than of a small one.
  private static func improved(_ order: [Int], _ ties: [[Int]], _ bits: [Double]) -> [Int] {
    let count = order.count
    guard count > 2 else { return order }
    var position = Array(repeating: 0, count: count)
    var change = Array(repeating: 0.0, count: count)
    func size(_ order: [Int]) -> Double {
      for (step, item) in order.enumerated() {
        position[item] = step
        change[step] = 0
      }
      for (step, item) in order.enumerated() {
        var last = step
        for other in ties[item] { last = max(last, position[other]) }
        change[step] += bits[item]
        change[last] -= bits[item]
      }
      var sum = 0.0
      var frontier = 0.0
      for step in 0..<count {
        frontier += change[step]
        sum += exp2(frontier / 2)
      }
      return log(sum)
    }

    var random = SeededGenerator(seed: 1)
    var current = (order: order, size: size(order))
    var best = current
    let work = count + ties.reduce(0) { $0 + $1.count }
    let proposals = min(proposalsForEach * count, mostWork / work)
    for proposal in 0..<proposals {
      let temperature = hottest * (1 - Double(proposal) / Double(proposals))
      let from = random.below(count)
      let to = min(count - 1, max(0, from - farthest + random.below(2 * farthest + 1)))
      var next = current
      next.order.insert(next.order.remove(at: from), at: to)
      next.size = size(next.order)
      let change = next.size - current.size
      guard change <= 0 || random.unit() < exp(-change / temperature) else { continue }
      current = next
      if current.size < best.size { best = current }
    }
    return best.order
  }

  private static let proposalsForEach = 500
  private static let mostWork = 30_000_000
  private static let hottest = 0.06
  private static let farthest = 12
}
