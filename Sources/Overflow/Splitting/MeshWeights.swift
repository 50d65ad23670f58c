import Model

/// A split as whole numbers, as a mesh's routes have them.
public struct MeshWeights: Hashable, Sendable {
  /// The local cluster's weight.
  public var local: Int
  /// Each neighbour's, in their order.
  public var remote: [Int]

  /// Rounds a split to weights that sum to `total`: the largest remainder method, so that each is within one of its
  /// share.
  ///
  /// Never below 0 and never all 0. What would be shed stays: a route cannot shed, and neighbours that are full do not
  /// get it.
  ///
  /// - Parameter total: what the weights sum to, at least 1.
  public init(_ split: Split, total: Int = 1000) {
    precondition(total >= 1, "weights sum to at least 1")
    let shares = [split.local + split.shed] + split.remote
    let clean = shares.map { $0 > 0 && $0.isFinite ? $0 : 0 }
    let sum = clean.reduce(0, +)
    guard sum > 0, sum.isFinite else {
      self.init(local: total, remote: split.remote.map { _ in 0 })
      return
    }
    let exact = clean.map { $0 / sum * Double(total) }
    var weights = exact.map { Int(saturating: $0) }
    let byRemainder = exact.indices.sorted { a, b in
      let (x, y) = (exact[a] - Double(weights[a]), exact[b] - Double(weights[b]))
      return x != y ? x > y : a < b
    }
    for k in byRemainder.prefix(max(0, total - weights.reduce(0, +))) { weights[k] += 1 }
    self.init(local: weights[0], remote: Array(weights[1...]))
  }

  /// Makes weights.
  public init(local: Int, remote: [Int]) {
    self.local = local
    self.remote = remote
  }

  /// The shares that they stand for.
  public var split: Split {
    let total = Double(max(1, local + remote.reduce(0, +)))
    return Split(local: Double(local) / total, remote: remote.map { Double($0) / total })
  }
}
