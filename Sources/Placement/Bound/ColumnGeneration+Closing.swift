extension ColumnGeneration {
  /// What came of looking for a better placement among all patterns that one can have.
  enum Closing {
    /// The best one: a group and a pattern for each bin that is not empty, and what they gain.
    case best([(group: Int, pattern: Pattern)], gain: Double)
    /// None gains more than the target.
    case none
    /// There are too many patterns, or the budget is spent.
    case open
  }

  /// Finds the best choice of patterns that gains more than a target.
  ///
  /// In a placement that gains more than the target no pattern falls behind its group's best by more than what the
  /// bound is above the target. All patterns that near are listed, and an integer program picks among them.
  func close(above target: Double, most: Int, _ budget: WorkBudget) throws(PlacementError) -> Closing {
    guard let center else { return .open }
    let slack = center.bound - target
    guard slack > 0 else { return .none }
    var columns: [(group: Int, pattern: Pattern)] = []
    for g in tier.groups.indices {
      let outcome = try searches[g].search(
        PatternSearch.Request(
          prices: center.prices, floor: center.worth[g] - slack, width: 4 * most, keep: .max, wantsAll: true),
        budget)
      budget.spend(outcome.labels)
      guard !outcome.isTruncated, columns.count + outcome.patterns.count <= most else { return .open }
      columns += outcome.patterns.map { (g, Pattern($0.counts, tier)) }
    }
    return try pick(columns, above: target, budget)
  }

  /// Looks for a good choice among the patterns found so far, those nearest to be wanted.
  func choose(above target: Double, most: Int, _ budget: WorkBudget) throws(PlacementError) -> Closing {
    let solution = try master.solve()
    var near: [(reduced: Double, group: Int, pattern: Int)] = []
    for (pattern, group) in master.columns where pool.patterns[pattern].fits(tier.groups[group]) {
      let reduced = solution.binPrices[group] - pool.patterns[pattern].worth(solution.prices)
      if reduced < bound - target { near.append((reduced, group, pattern)) }
    }
    near.sort { ($0.reduced, $0.pattern) < ($1.reduced, $1.pattern) }
    let columns = near.prefix(most).map { ($0.group, pool.patterns[$0.pattern]) }
    let program = try program(columns)
    guard try solve(program, budget) == .optimal, -(try program.objective) > target else { return .open }
    return try pick(program, columns, above: target, budget)
  }

  private func pick(
    _ columns: [(group: Int, pattern: Pattern)], above target: Double, _ budget: WorkBudget
  ) throws(PlacementError) -> Closing {
    var columns = columns
    while true {
      let program = try program(columns)
      switch try solve(program, budget) {
      case .optimal: break
      case .infeasible: return .none
      default: return .open
      }
      let value = -(try program.objective)
      guard value > target else { return .none }
      let reduced = try program.reducedCosts()
      let near = columns.indices.filter { reduced[$0] <= value - target }
      if near.count * 10 > columns.count * 9 {
        return try pick(program, columns, above: target, budget)
      }
      columns = near.map { columns[$0] }
    }
  }

  private func pick(
    _ program: LinearProgram, _ columns: [(group: Int, pattern: Pattern)], above target: Double, _ budget: WorkBudget
  ) throws(PlacementError) -> Closing {
    for j in columns.indices { try program.setInteger(j) }
    let goal = try program.addRow(lower: target)
    let gains = columns.enumerated().map { (index: $0, value: $1.pattern.gain) }
    try program.setRow(goal, entries: gains.filter { $0.value > 0 })
    let result = try program.solveInteger(
      LinearProgram.IntegerOptions(
        branching: .driebeckTomlin, mixedRoundingCuts: true, gomoryCuts: true, cliqueCuts: true),
      visit: { search in
        budget.spend(200)
        search.stop = budget.isSpent
      })
    switch result.status {
    case .infeasible: return .none
    case .stopped: return .open
    case .optimal: break
    }
    guard let values = result.values, let objective = result.objective else { return .open }
    var bins: [(group: Int, pattern: Pattern)] = []
    for (j, value) in values.enumerated() {
      for _ in 0..<Int(value.rounded()) { bins.append(columns[j]) }
    }
    return .best(bins, gain: -objective)
  }

  private func program(_ columns: [(group: Int, pattern: Pattern)]) throws(PlacementError) -> LinearProgram {
    let program = try LinearProgram()
    for replicas in tier.replicas { try program.addRow(lower: Double(replicas), upper: Double(replicas)) }
    for group in tier.groups { try program.addRow(upper: Double(group.bins.count)) }
    guard !columns.isEmpty else { return program }
    try program.addColumns(columns.count)
    var matrix: [(row: Int, column: Int, value: Double)] = []
    for (j, column) in columns.enumerated() {
      try program.setColumn(j, lower: 0, upper: .infinity)
      try program.setObjective(j, -column.pattern.gain)
      for (item, count) in column.pattern.entries { matrix.append((Int(item), j, Double(count))) }
      matrix.append((tier.itemCount + column.group, j, 1))
    }
    try program.load(matrix)
    return program
  }

  /// Solves a linear program in parts, so that it can be left without being lost.
  private func solve(
    _ program: LinearProgram, _ budget: WorkBudget
  ) throws(PlacementError) -> LinearProgram.LinearStatus {
    while true {
      let status = try program.solve(LinearProgram.SimplexOptions(iterationLimit: 500))
      if status != .limit || budget.isSpent { return status }
    }
  }
}
