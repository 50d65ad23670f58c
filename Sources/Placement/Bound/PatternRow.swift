/// A row of the master program beyond those of items and bins: something that the patterns of all bins together are
/// held to.
enum PatternRow: Hashable {
  /// A rank-one Chvátal–Gomory cut: the items' replicas count in whole `divisor`s only, in each pattern and in all.
  ///
  /// `Σ_p ⌊Σ_i p_i / divisor⌋ · y_p ≤ ⌊Σ_i R_i / divisor⌋`, the sums over `items`. It holds for whole numbers of
  /// patterns and cuts off mixtures of them (subset-row cuts, Jepsen et al. 2008).
  case cut(items: [Int], divisor: Int)
  /// Counts the bins, of one group or all, that hold at least so many replicas of each of some items. In a placement
  /// that is a whole number: what one branches on (Ryan and Foster 1981, Vanderbeck 2000).
  case bins(holding: [Part], group: Int?)

  /// So many replicas of an item.
  struct Part: Hashable {
    var item: Int
    var least: Int
  }

  /// The row's coefficient of a pattern in a bin of a group; `count` tells how many replicas of an item it has.
  func coefficient(_ group: Int, _ count: (Int) -> Int) -> Int {
    switch self {
    case .cut(let items, let divisor):
      var sum = 0
      for item in items { sum += count(item) }
      return sum / divisor
    case .bins(let parts, let only):
      if let only, only != group { return 0 }
      for part in parts where count(part.item) < part.least { return 0 }
      return 1
    }
  }
}
