/// The patterns of a group of bins as a table, column by column, so that all are priced at once.
struct PatternTable {
  private let group: Int
  private(set) var count: Int
  private var gains: [Double]
  /// For each item, then for each further row, its amounts in all patterns.
  private var amounts: [[Float]]

  init(_ list: PatternList, group: Int, itemCount: Int) {
    self.group = group
    count = list.count
    gains = (0..<list.count).map { list.gain($0) }
    amounts = (0..<itemCount).map { item in (0..<list.count).map { Float(list.count($0, item)) } }
  }

  /// A pattern's counts of the first so many items.
  func counts(_ pattern: Int, _ itemCount: Int) -> [Int32] {
    // fits: they were made of numbers of replicas.
    (0..<itemCount).map { Int32(amounts[$0][pattern]) }
  }

  /// Adds a further row.
  mutating func add(_ row: PatternRow) {
    // fits: see above.
    amounts.append(
      (0..<count).map { pattern in Float(row.coefficient(group) { Int(amounts[$0][pattern]) }) })
  }

  /// What each pattern gains less what its amounts cost.
  func worth(_ prices: [Double]) -> [Double] {
    var worth = gains
    for (price, amounts) in zip(prices, amounts) where price != 0 {
      for pattern in 0..<count { worth[pattern] -= price * Double(amounts[pattern]) }
    }
    return worth
  }

  /// Keeps the patterns for which `isKept` says so.
  mutating func keep(_ isKept: [Bool]) {
    func filtered<Element>(_ values: [Element]) -> [Element] { zip(values, isKept).filter(\.1).map(\.0) }
    gains = filtered(gains)
    amounts = amounts.map(filtered)
    count = gains.count
  }
}
