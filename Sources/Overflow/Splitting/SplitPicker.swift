/// Deals requests out by weights so evenly that the counts of any stretch are within a request or two of the shares:
/// smooth weighted round robin, as nginx has it.
public struct SplitPicker: Hashable, Sendable {
  private var weights: [Double] = []
  private var credit: [Double] = []
  private var total = 0.0

  /// Makes a picker.
  public init(weights: [Double] = []) {
    set(weights: weights)
  }

  /// Changes the weights. What each destination is owed stays, as long as there are as many. A weight that is not a
  /// number above 0 counts as none.
  public mutating func set(weights: [Double]) {
    let sum = weights.reduce(0) { $0 + ($1 > 0 && $1.isFinite ? $1 : 0) }
    if credit.count != weights.count { credit = Array(repeating: 0, count: weights.count) }
    self.weights = weights.map { $0 > 0 && $0.isFinite && sum > 0 ? $0 / sum : 0 }
    total = sum > 0 ? 1 : 0
    // Whoever gets nothing now is owed nothing, or it would be picked.
    for k in credit.indices where self.weights[k] == 0 { credit[k] = 0 }
  }

  /// The destination of the next request; nil where all weights are 0.
  public mutating func next() -> Int? {
    guard total > 0 else { return nil }
    var best = -1
    for k in weights.indices where weights[k] > 0 {
      credit[k] += weights[k]
      if best < 0 || credit[k] > credit[best] { best = k }
    }
    credit[best] -= 1
    return best
  }
}
