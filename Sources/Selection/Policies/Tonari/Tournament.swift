/// A tree of matches over leaves with costs: answers the cheapest leaf at once, the cheapest of a range in
/// O(log n), and takes a new cost in O(log n).
///
/// A node holds the cost of its winner in the upper half of a word and the leaf in the lower, so that a match is one
/// comparison; of equal costs the lower leaf wins.
struct Tournament: Sendable {
  private var matches: [UInt64] = [Self.closed, Self.closed]
  private var width = 1
  private static let closed = UInt64.max

  /// Starts over with a number of leaves, all closed.
  mutating func reset(leaves: Int) {
    width = 1
    while width < leaves { width *= 2 }
    matches = Array(repeating: Self.closed, count: 2 * width)
  }

  private static func entry(_ cost: Float, _ leaf: Int) -> UInt64 {
    // The bits of floats above zero are in their order.
    UInt64(cost.bitPattern) << 32 | UInt64(truncatingIfNeeded: leaf)
  }

  /// Sets the cost of a leaf, above zero; nil closes it.
  mutating func set(_ cost: Float?, leaf: Int) {
    let entry = cost.map { Self.entry($0, leaf) } ?? Self.closed
    matches.withUnsafeMutableBufferPointer { matches in
      var at = width + leaf
      var winner = entry
      matches[at] = winner
      while at > 1 {
        winner = min(winner, matches[at ^ 1])
        at >>= 1
        if matches[at] == winner { return }
        matches[at] = winner
      }
    }
  }

  /// The cost of a leaf; nil where it is closed.
  func cost(of leaf: Int) -> Float? {
    let entry = matches[width + leaf]
    return entry == Self.closed ? nil : Float(bitPattern: UInt32(truncatingIfNeeded: entry >> 32))
  }

  /// The cheapest leaf in a range; nil where all are closed.
  func cheapest(in range: Range<Int>) -> Int? {
    matches.withUnsafeBufferPointer { matches in
      var low = range.lowerBound + width
      var high = range.upperBound + width
      var winner = Self.closed
      if range.count == width {
        winner = matches[1]
      } else {
        while low < high {
          if low & 1 == 1 {
            winner = min(winner, matches[low])
            low += 1
          }
          if high & 1 == 1 {
            high -= 1
            winner = min(winner, matches[high])
          }
          low >>= 1
          high >>= 1
        }
      }
      return winner == Self.closed ? nil : Int(truncatingIfNeeded: winner & 0xFFFF_FFFF)
    }
  }

  /// The cheapest leaf in a range that fits; nil where none does. Costs O(log n) for each cheaper leaf that does not fit.
  func cheapest(in range: Range<Int>, where fits: (Int) -> Bool) -> Int? {
    var winner = Self.closed
    search(1, 0..<width, range, fits, &winner)
    return winner == Self.closed ? nil : Int(truncatingIfNeeded: winner & 0xFFFF_FFFF)
  }

  private func search(_ at: Int, _ span: Range<Int>, _ range: Range<Int>, _ fits: (Int) -> Bool, _ best: inout UInt64) {
    guard span.overlaps(range), matches[at] < best else { return }
    let leaf = Int(truncatingIfNeeded: matches[at] & 0xFFFF_FFFF)
    if range.contains(leaf), fits(leaf) {
      best = matches[at]
      return
    }
    guard span.count > 1 else { return }
    let middle = span.lowerBound + span.count / 2
    let left = (2 * at, span.lowerBound..<middle)
    let right = (2 * at + 1, middle..<span.upperBound)
    // The cheaper half first: what it holds may spare the other.
    let (near, far) = matches[left.0] <= matches[right.0] ? (left, right) : (right, left)
    search(near.0, near.1, range, fits, &best)
    search(far.0, far.1, range, fits, &best)
  }
}
