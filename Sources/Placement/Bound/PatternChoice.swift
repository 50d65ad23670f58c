import Model

/// Finds the best choice among listed patterns, one for each bin, so that every replica is placed: branch and bound.
///
/// The lists hold all patterns that a choice better than a target can have. A linear program over some of them prices
/// the others; cuts bring its value down, and patterns that fall behind by more than what the value is above the target
/// are struck from the lists. What is left is divided by how many bins hold a given set of replicas.
///
/// Every bound is one of Lagrangian duality over all that is listed, whatever the linear program says.
final class PatternChoice {
  /// What came of a search.
  enum Outcome {
    /// The best choice found above the target: a group and a pattern for each bin that is not empty. None gains more
    /// than the bound.
    case best([(group: Int, pattern: Pattern)], gain: Double, bound: Double)
    /// None gains more than the bound, which is the target but for rounding.
    case none(bound: Double)
    /// The budget was spent; a better choice than any before, where one was found.
    case stopped([(group: Int, pattern: Pattern)]?, gain: Double)
  }

  /// A part of all choices, by limits to further rows.
  private struct Branch {
    var limits: [(row: Int, lower: Double, upper: Double)] = []
    /// No choice in it gains more.
    var bound: Double
  }

  /// What the linear program comes to over all that is listed.
  private struct Relaxation {
    /// No choice in the branch gains more.
    var bound: Double
    /// The prices of items and of further rows.
    var prices: [Double]
    /// What each pattern of each group is worth.
    var worth: [[Double]]
    /// What a group's best pattern is worth.
    var best: [Double]
  }

  private let tier: PatternTier
  private var tables: [PatternTable] = []
  private let master: PatternMaster
  private var pool = PatternPool()
  private var rowOf: [PatternRow: Int] = [:]
  /// Upper bounds of the further rows that hold everywhere: the cuts'.
  private var always: [Double] = []
  private var target: Double
  private var root: Relaxation?
  private var rounds = 0
  private var isCut = false
  private var open: [Branch] = []
  private var found: (bins: [(group: Int, pattern: Pattern)], gain: Double)?
  private var isShown = true
  /// What was left undecided for rounding gains no more.
  private var undecided = -Double.infinity
  private let tolerance: Double
  private(set) var branchCount = 0

  private static let mostColumnsAtOnce = 100
  private static let mostCutsAtOnce = 30
  private static let mostRounds = 40
  private static let highestPenalty = 1e7
  /// What is nearer to a whole number is one.
  private static let whole = 1e-6

  /// - Parameters:
  ///   - lists: for each group, all patterns that may be wanted.
  ///   - columns: patterns to begin with.
  init(
    _ tier: PatternTier, _ lists: [PatternList], columns: [(group: Int, counts: [Int32])], above target: Double
  ) throws(PlacementError) {
    self.tier = tier
    self.target = target
    master = try PatternMaster(tier)
    tolerance = 1e-9 * tier.totalGain
    try master.raisePenalty(to: 100)
    tables = lists.enumerated().map { PatternTable($1, group: $0, itemCount: tier.itemCount) }
    for column in columns { try add(column.counts, group: column.group) }
  }

  private func add(_ counts: [Int32], group: Int) throws(PlacementError) {
    let index = pool.index(of: counts, tier)
    try master.add(index, pool.patterns[index], group: group, isAllowed: true)
  }

  /// Searches on, for what gains more than the target, which is that of before or higher.
  func run(above target: Double, _ budget: WorkBudget) throws(PlacementError) -> Outcome {
    if target > self.target {
      self.target = target
      if let root { try strike(root) }
    }
    while !isCut {
      guard let relaxation = try relax(limits: [], budget) else { return stopped() }
      let gained = (root?.bound ?? .infinity) - relaxation.bound
      root = relaxation
      open = [Branch(bound: relaxation.bound)]
      if relaxation.bound <= self.target { break }
      try strike(relaxation)
      let cuts = gained < 0.02 * (relaxation.bound - self.target) ? [] : try violatedCuts()
      rounds += 1
      isCut = cuts.isEmpty || rounds >= Self.mostRounds
      for cut in cuts { try add(cut.row, upper: cut.most) }
    }
    while let index = open.indices.max(by: { open[$0].bound < open[$1].bound }), open[index].bound > self.target {
      let branch = open.remove(at: index)
      guard let relaxation = try relax(limits: branch.limits, budget) else {
        open.append(branch)
        return stopped()
      }
      branchCount += 1
      let bound = min(branch.bound, relaxation.bound)
      if bound <= self.target { continue }
      try divide(branch, bound)
    }
    guard let found else { return .none(bound: max(self.target, undecided)) }
    return .best(found.bins, gain: found.gain, bound: max(found.gain, undecided))
  }

  private func stopped() -> Outcome {
    defer { isShown = true }
    return .stopped(isShown ? nil : found?.bins, gain: found?.gain ?? -.infinity)
  }

  /// Adds a further row to all patterns.
  @discardableResult
  private func add(_ row: PatternRow, upper: Double) throws(PlacementError) -> Int {
    if let index = rowOf[row] { return index }
    let index = try master.add(row) { pool.patterns[$0] }
    rowOf[row] = index
    always.append(upper)
    for g in tables.indices { tables[g].add(row) }
    return index
  }

  // MARK: The linear program

  /// Solves the program over all listed patterns within limits; nil where the budget is spent. Ends early where the
  /// bound is down to the target.
  private func relax(
    limits: [(row: Int, lower: Double, upper: Double)], _ budget: WorkBudget
  ) throws(PlacementError) -> Relaxation? {
    var lower = Array(repeating: -Double.infinity, count: always.count)
    var upper = always
    for limit in limits {
      lower[limit.row] = max(lower[limit.row], limit.lower)
      upper[limit.row] = min(upper[limit.row], limit.upper)
    }
    for row in always.indices { try master.bound(row, lower: lower[row], upper: upper[row]) }
    var method = LinearProgram.SimplexOptions.Method.dual
    while !budget.isSpent {
      let solution = try master.solve(method)
      method = .primal
      budget.spend(500)
      var rowPrices = solution.rowPrices
      for row in rowPrices.indices {
        let limit = rowPrices[row] > 0 ? upper[row] : lower[row]
        if limit.isInfinite { rowPrices[row] = 0 }
      }
      let prices = solution.prices + rowPrices
      var relaxation = Relaxation(bound: 0, prices: prices, worth: [], best: [])
      for (price, replicas) in zip(prices, tier.replicas) { relaxation.bound += price * Double(replicas) }
      for (row, price) in rowPrices.enumerated() where price != 0 {
        relaxation.bound += price * (price > 0 ? upper[row] : lower[row])
      }
      var new: [(reduced: Double, group: Int, pattern: Int)] = []
      for (g, table) in tables.enumerated() {
        budget.spend(table.count)
        let worth = table.worth(prices)
        let best = max(0, worth.max() ?? 0)
        relaxation.bound += Double(tier.groups[g].bins.count) * best
        relaxation.worth.append(worth)
        relaxation.best.append(best)
        for (pattern, worth) in worth.enumerated() where worth - solution.binPrices[g] > tolerance {
          new.append((worth - solution.binPrices[g], g, pattern))
        }
      }
      // Sums of so many terms are off by less than this.
      relaxation.bound += 1e-12 * (tier.totalGain + abs(relaxation.bound)) * Double(prices.count)
      if relaxation.bound <= target { return relaxation }
      new.sort { ($1.reduced, $0.group, $0.pattern) < ($0.reduced, $1.group, $1.pattern) }
      var isNew = false
      for (_, group, pattern) in new.prefix(Self.mostColumnsAtOnce) {
        let index = pool.index(of: tables[group].counts(pattern, tier.itemCount), tier)
        if try master.add(index, pool.patterns[index], group: group, isAllowed: true) { isNew = true }
      }
      if isNew { continue }
      // Only rounding is left, or what is missing is too cheap.
      guard master.penalty < Self.highestPenalty, try master.leavesOut() else {
        return relaxation
      }
      try master.raisePenalty(to: master.penalty * 10)
    }
    return nil
  }

  /// Strikes the patterns that no choice above the target can have.
  private func strike(_ relaxation: Relaxation) throws(PlacementError) {
    let slack = relaxation.bound - target + tolerance
    var struck = relaxation
    for g in tables.indices {
      let isKept = relaxation.worth[g].map { relaxation.best[g] - $0 <= slack }
      tables[g].keep(isKept)
      struck.worth[g] = zip(relaxation.worth[g], isKept).filter(\.1).map(\.0)
    }
    root = struck
    let rows = master.rows.prefix(relaxation.prices.count - tier.itemCount)
    try master.allow { index, group in
      let pattern = pool.patterns[index]
      var worth = pattern.worth(relaxation.prices)
      for (row, price) in zip(rows, relaxation.prices[tier.itemCount...]) where price != 0 {
        worth -= price * Double(row.coefficient(group) { pattern.count(of: $0) })
      }
      return relaxation.best[group] - worth <= slack + 10 * tolerance
    }
  }

  // MARK: Cuts

  /// The cuts of up to three items that the last solution violates most.
  private func violatedCuts() throws(PlacementError) -> [(row: PatternRow, most: Double)] {
    let columns = try fractions().map { ($0.share, pool.patterns[$0.pattern].counts(tier.itemCount)) }
    var found: [(violation: Double, items: [Int], divisor: Int, most: Double)] = []
    func look(_ items: [Int], _ divisor: Int) {
      var replicas = 0
      for item in items { replicas += tier.replicas[item] }
      guard replicas % divisor != 0 else { return }
      var sum = -Double(replicas / divisor)
      for (share, counts) in columns {
        var count = 0
        for item in items { count += counts[item] }
        sum += share * Double(count / divisor)
      }
      guard sum > 0.02, rowOf[.cut(items: items, divisor: divisor)] == nil else { return }
      found.append((sum, items, divisor, Double(replicas / divisor)))
    }
    for a in 0..<tier.itemCount {
      for divisor in 2...3 {
        look([a], divisor)
        for b in a + 1..<max(a + 1, tier.itemCount) {
          look([a, b], divisor)
          guard divisor == 2 else { continue }
          for c in b + 1..<max(b + 1, tier.itemCount) { look([a, b, c], divisor) }
        }
      }
    }
    found.sort { a, b in
      a.violation != b.violation ? a.violation > b.violation : a.items.lexicographicallyPrecedes(b.items)
    }
    return found.prefix(Self.mostCutsAtOnce).map { (.cut(items: $0.items, divisor: $0.divisor), $0.most) }
  }

  /// The columns in the last solution.
  private func fractions() throws(PlacementError) -> [(share: Double, group: Int, pattern: Int)] {
    zip(try master.shares(), master.columns).filter { $0.0 > Self.whole }.map { ($0.0, $0.1.group, $0.1.pattern) }
  }

  // MARK: Branching

  /// Makes two branches of one, or takes its solution where that is whole.
  private func divide(_ branch: Branch, _ bound: Double) throws(PlacementError) {
    let columns = try fractions()
    guard let (row, share) = division(columns) else { return try take(columns, bound) }
    let index = try add(row, upper: .infinity)
    open.append(Branch(limits: branch.limits + [(index, -.infinity, share.rounded(.down))], bound: bound))
    open.append(Branch(limits: branch.limits + [(index, share.rounded(.up), .infinity)], bound: bound))
  }

  /// Something that the last solution has a broken number of bins for, and that number; nil where there is nothing.
  private func division(
    _ columns: [(share: Double, group: Int, pattern: Int)]
  ) -> (row: PatternRow, share: Double)? {
    let held = columns.map { (share: $0.share, counts: pool.patterns[$0.pattern].counts(tier.itemCount)) }
    var best: (row: PatternRow, share: Double, score: Double)?
    func look(_ parts: [PatternRow.Part], weight: Double) {
      var share = 0.0
      next: for (part, counts) in held {
        for wanted in parts where counts[wanted.item] < wanted.least { continue next }
        share += part
      }
      let distance = abs(share - share.rounded())
      guard distance > 10 * Self.whole, distance * weight > best?.score ?? 0 else { return }
      best = (.bins(holding: parts, group: nil), share, distance * weight)
    }
    let most = tier.replicas.indices.map { item in held.map { $0.counts[item] }.max() ?? 0 }
    for edge in tier.edges where most[edge.u] > 0 && most[edge.v] > 0 {
      for u in 1...most[edge.u] {
        for v in 1...most[edge.v] {
          look([PatternRow.Part(item: edge.u, least: u), PatternRow.Part(item: edge.v, least: v)], weight: edge.gain)
        }
      }
    }
    if let best { return (best.row, best.share) }
    for a in tier.replicas.indices where most[a] > 0 {
      for b in a..<tier.itemCount where most[b] > 0 {
        look([PatternRow.Part(item: a, least: 1), PatternRow.Part(item: b, least: 1)], weight: 1)
      }
    }
    if let best { return (best.row, best.share) }
    // Of the columns that are broken, one that no other one contains.
    func size(_ index: Int) -> Int32 { pool.patterns[index].entries.reduce(0) { $0 + $1.count } }
    let broken = columns.filter { abs($0.share - $0.share.rounded()) > Self.whole }
    guard let largest = broken.max(by: { size($0.pattern) < size($1.pattern) }) else { return nil }
    let parts = pool.patterns[largest.pattern].entries.map { PatternRow.Part(item: Int($0.item), least: Int($0.count)) }
    let row = PatternRow.bins(holding: parts, group: largest.group)
    let share = zip(columns, held).reduce(0.0) { sum, column in
      sum + column.0.share * Double(row.coefficient(column.0.group) { column.1.counts[$0] })
    }
    return (row, share)
  }

  /// Takes a solution of whole numbers of columns.
  private func take(
    _ columns: [(share: Double, group: Int, pattern: Int)], _ bound: Double
  ) throws(PlacementError) {
    var left = tier.replicas.map(Int32.init)
    var bins: [(group: Int, pattern: Pattern)] = []
    for column in columns {
      for _ in 0..<Int(saturating: column.share.rounded()) {
        // A replica may be there once too often.
        var counts = Array(repeating: Int32(0), count: tier.itemCount)
        for (item, count) in pool.patterns[column.pattern].entries {
          counts[Int(item)] = min(count, left[Int(item)])
          left[Int(item)] -= counts[Int(item)]
        }
        bins.append((column.group, Pattern(counts, tier)))
      }
    }
    let gain = bins.reduce(0) { $0 + $1.pattern.gain }
    let isWhole = left.allSatisfy { $0 == 0 }
    if !isWhole || gain < bound - 10 * tolerance { undecided = max(undecided, bound) }
    guard isWhole && gain > target else { return }
    found = (bins, gain)
    isShown = false
    target = gain
    if let root { try strike(root) }
  }
}
