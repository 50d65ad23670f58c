extension ColumnGeneration {
  /// Makes ready to find the best choice of patterns that gains more than a target; nil where there are too many
  /// patterns, or the budget is spent.
  ///
  /// In a placement that gains more than the target no pattern falls behind its group's best by more than what the
  /// bound is above the target. All patterns that near are listed.
  ///
  /// - Parameter share: less than 1 lists only those that fall behind by no more than this share of it.
  func choice(
    above target: Double, share: Double, most: Int, _ budget: WorkBudget
  ) throws(PlacementError) -> PatternChoice? {
    guard let center else { return nil }
    let slack = max(0, center.bound - target) * share + Self.tolerance * scale
    var lists: [PatternList] = []
    for g in tier.groups.indices {
      let rest = most - lists.reduce(0) { $0 + $1.count }
      guard
        let list = try searches[g].list(
          prices: center.prices, floor: center.worth[g] - slack, most: rest, budget)
      else { return nil }
      lists.append(list)
    }
    let near = try nearColumns(above: target, most: 1000)
    let choice = try PatternChoice(
      tier, lists, columns: near.map { ($0.group, pool.patterns[$0.pattern].counts(tier.itemCount).map(Int32.init)) },
      above: target)
    return choice
  }

  /// The columns whose reduced costs leave room for a choice above a target, the nearest ones.
  func nearColumns(above target: Double, most: Int) throws(PlacementError) -> [(group: Int, pattern: Int)] {
    master.columns(near: try master.solve(), within: bound - target, most: most, pool, in: tier.groups)
  }
}
