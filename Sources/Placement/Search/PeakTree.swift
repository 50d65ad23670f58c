/// The highest of many values that change one at a time: a tournament tree, logarithmic per change.
struct PeakTree {
  private var values: [Double]
  private let leaves: Int

  init(leaves count: Int) {
    var leaves = 1
    while leaves < count { leaves *= 2 }
    self.leaves = leaves
    values = Array(repeating: 0, count: 2 * leaves)
  }

  /// The highest value.
  var root: Double { values[1] }

  mutating func set(_ leaf: Int, _ value: Double) {
    var i = leaves + leaf
    guard values[i] != value else { return }
    values[i] = value
    while i > 1 {
      i /= 2
      let higher = max(values[2 * i], values[2 * i + 1])
      if values[i] == higher { return }
      values[i] = higher
    }
  }
}
