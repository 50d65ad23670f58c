/// The linear program over the patterns found so far: which share of each group's bins holds which pattern, so that
/// every replica is placed and the gain is greatest.
///
/// Its dual values price an item's replica and a group's bin. A replica too many gains at most its edges' share of the
/// traffic, so that it may be had at that cost; one too few costs a penalty, which grows where it has to.
final class PatternMaster {
  /// A solution of the program.
  struct Solution {
    /// Total gain.
    var value: Double
    /// What a replica of each item is worth.
    var prices: [Double]
    /// What a bin of each group is worth.
    var binPrices: [Double]
    /// What a unit of each further row takes away.
    var rowPrices: [Double]
  }

  private let tier: PatternTier
  private let program: LinearProgram
  private var isColumn: Set<Int> = []
  /// Pattern and group of each column after the slacks.
  private(set) var columns: [(pattern: Int, group: Int)] = []
  /// The further rows.
  private(set) var rows: [PatternRow] = []
  private(set) var penalty = 1.0
  private let slope: [Double]
  /// What leaving out a replica costs at least, as a replica without traffic needs room all the same.
  private let base: Double
  /// An item's replicas too many and too few, and what further rows lack.
  private var slackCount: Int { 2 * tier.itemCount + 1 }
  private var lack: Int { 2 * tier.itemCount }

  init(_ tier: PatternTier) throws(PlacementError) {
    self.tier = tier
    program = try LinearProgram()
    var slope = Array(repeating: 0.0, count: tier.itemCount)
    for edge in tier.edges {
      slope[edge.u] += edge.gain / Double(tier.replicas[edge.u])
      slope[edge.v] += edge.gain / Double(tier.replicas[edge.v])
    }
    self.slope = slope
    base = slope.reduce(0, +) / Double(max(1, slope.count))
    for replicas in tier.replicas { try program.addRow(lower: Double(replicas), upper: Double(replicas)) }
    for group in tier.groups { try program.addRow(upper: Double(group.bins.count)) }
    for item in 0..<tier.itemCount {
      try program.addColumn(objective: slope[item], entries: [(item, -1)])
      try program.addColumn(objective: penalty * max(slope[item], base), entries: [(item, 1)])
    }
    try program.addColumn(objective: penalty * tier.totalGain)
  }

  /// Adds a column, unless it is there; with value 0 for now where bins of the group cannot hold it at the utilization
  /// in force. Answers whether it is new.
  @discardableResult
  func add(_ index: Int, _ pattern: Pattern, group: Int, isAllowed: Bool) throws(PlacementError) -> Bool {
    guard isColumn.insert(index * tier.groups.count + group).inserted else { return false }
    var entries: [LinearProgram.Entry] = pattern.entries.map { (Int($0.item), Double($0.count)) }
    entries.append((tier.itemCount + group, 1))
    for (index, row) in rows.enumerated() {
      let coefficient = row.coefficient(group) { pattern.count(of: $0) }
      if coefficient > 0 { entries.append((firstRow + index, Double(coefficient))) }
    }
    let upper = isAllowed ? Double.infinity : 0
    try program.addColumn(upper: upper, objective: -pattern.gain, entries: entries)
    columns.append((index, group))
    return true
  }

  private var firstRow: Int { tier.itemCount + tier.groups.count }

  /// Adds a further row, and answers its index; `patterns` are those of the columns. It is free until it is bounded.
  @discardableResult
  func add(_ row: PatternRow, _ patterns: (Int) -> Pattern) throws(PlacementError) -> Int {
    let index = try program.addRow()
    var entries: [LinearProgram.Entry] = [(lack, 1)]
    for (j, column) in columns.enumerated() {
      let pattern = patterns(column.pattern)
      let coefficient = row.coefficient(column.group) { pattern.count(of: $0) }
      if coefficient > 0 { entries.append((slackCount + j, Double(coefficient))) }
    }
    try program.setRow(index, entries: entries)
    rows.append(row)
    return rows.count - 1
  }

  /// Bounds a further row.
  func bound(_ row: Int, lower: Double = -.infinity, upper: Double = .infinity) throws(PlacementError) {
    try program.setRow(firstRow + row, lower: lower, upper: upper)
  }

  /// Allows the columns for which `isAllowed` holds, by pattern and group.
  func allow(_ isAllowed: (Int, Int) -> Bool) throws(PlacementError) {
    for (j, column) in columns.enumerated() {
      let upper = isAllowed(column.pattern, column.group) ? Double.infinity : 0
      try program.setColumn(slackCount + j, lower: 0, upper: upper)
    }
  }

  /// Solves for so many replicas of items and bins of groups only, those that are left.
  func leave(_ replicas: [Int], bins: [Int]) throws(PlacementError) {
    for (item, count) in replicas.enumerated() {
      try program.setRow(item, lower: Double(count), upper: Double(count))
    }
    for (group, count) in bins.enumerated() {
      try program.setRow(tier.itemCount + group, lower: -.infinity, upper: Double(count))
    }
  }

  func solve(_ method: LinearProgram.SimplexOptions.Method = .primal) throws(PlacementError) -> Solution {
    _ = try program.solve(LinearProgram.SimplexOptions(method: method))
    return solution(value: -(try program.objective), duals: try program.duals())
  }

  /// The last solution with dual values from the middle of the best ones, where the interior-point method gets there.
  ///
  /// Where many dual values are best, those of the simplex method are extreme, and far from those that bound best.
  func centered(_ last: Solution) throws(PlacementError) -> Solution {
    guard let duals = try program.interiorDuals() else { return last }
    return solution(value: last.value, duals: duals)
  }

  private func solution(value: Double, duals: [Double]) -> Solution {
    Solution(
      value: value,
      prices: duals[0..<tier.itemCount].map { -$0 },
      binPrices: duals[tier.itemCount..<firstRow].map { max(0, -$0) },
      rowPrices: duals[firstRow...].map { -$0 })
  }

  /// How much of each column is in the last solution.
  func shares() throws(PlacementError) -> [Double] { Array(try program.values()[slackCount...]) }

  /// Whether replicas are left out in the last solution, or a further row lacks something.
  func leavesOut() throws(PlacementError) -> Bool {
    let values = try program.values()
    return values[lack] > 1e-7 || (0..<tier.itemCount).contains { values[2 * $0 + 1] > 1e-7 }
  }

  /// Makes that dearer.
  func raisePenalty(to penalty: Double) throws(PlacementError) {
    self.penalty = penalty
    for item in 0..<tier.itemCount { try program.setObjective(2 * item + 1, max(slope[item], base) * penalty) }
    try program.setObjective(lack, tier.totalGain * penalty)
  }

  /// Makes new columns of those in the last solution, which was this one, by single replicas that are worth it at some
  /// prices; answers how many.
  func improveColumns(
    of solution: Solution, prices: [Double], _ improvers: [PatternImprover], _ pool: inout PatternPool
  ) throws(PlacementError) -> Int {
    var found: [(index: Int, group: Int)] = []
    for (share, column) in zip(try shares(), columns) where share > 1e-6 {
      var counts = pool.patterns[column.pattern].counts(tier.itemCount).map(Int32.init)
      improvers[column.group].improve(&counts, prices: prices)
      let index = pool.index(of: counts, tier)
      let reduced = pool.patterns[index].worth(solution.prices) - solution.binPrices[column.group]
      if reduced > ColumnGeneration.tolerance * tier.totalGain { found.append((index, column.group)) }
    }
    var count = 0
    for (index, group) in found where try add(index, pool.patterns[index], group: group, isAllowed: true) { count += 1 }
    return count
  }

  /// The columns that fall behind the best by less than a slack in a solution, the nearest first.
  func columns(
    near solution: Solution, within slack: Double, most: Int, _ pool: PatternPool, in groups: [PatternTier.Group]
  ) -> [(group: Int, pattern: Int)] {
    var near: [(reduced: Double, group: Int, pattern: Int)] = []
    for (pattern, group) in columns where pool.patterns[pattern].fits(groups[group]) {
      let reduced = solution.binPrices[group] - pool.patterns[pattern].worth(solution.prices)
      if reduced < slack { near.append((reduced, group, pattern)) }
    }
    near.sort { ($0.reduced, $0.pattern) < ($1.reduced, $1.pattern) }
    return near.prefix(most).map { ($0.group, $0.pattern) }
  }
}
