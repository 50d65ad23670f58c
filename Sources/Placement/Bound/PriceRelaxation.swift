/// The LP relaxation of pricing: fractional counts within one bin. Its dual values are what the exact search prunes by.
final class PriceRelaxation {
  private let program: LinearProgram
  private let tier: PatternTier
  private let group: PatternTier.Group

  /// Multipliers that turn pricing into a sum over items: any nonnegative ones give a valid bound.
  struct Multipliers {
    /// The part of an edge's gain that is credited to `u`; the rest is `v`'s.
    var shareOfU: [Double]
    /// What a unit of each resource is charged.
    var capacityPrice: [Double]
  }

  init(_ tier: PatternTier, group: PatternTier.Group) throws(PlacementError) {
    self.tier = tier
    self.group = group
    program = try LinearProgram()
    let items = tier.itemCount
    if items > 0 { try program.addColumns(items + tier.edges.count) }
    let rows = 2 * tier.edges.count + tier.resourceCount
    if rows > 0 { try program.addRows(rows) }
    var matrix: [(row: Int, column: Int, value: Double)] = []
    for item in 0..<items { try program.setColumn(item, lower: 0, upper: Double(group.limits[item])) }
    for (e, edge) in tier.edges.enumerated() {
      try program.setColumn(items + e, lower: 0, upper: .infinity)
      try program.setObjective(items + e, -edge.gain)
      for (row, item) in [(2 * e, edge.u), (2 * e + 1, edge.v)] {
        try program.setRow(row, lower: -.infinity, upper: 0)
        matrix.append((row, items + e, 1))
        matrix.append((row, item, -1 / Double(tier.replicas[item])))
      }
    }
    for k in 0..<tier.resourceCount {
      let row = 2 * tier.edges.count + k
      let unit = Double(max(1, group.capacity[k]))
      try program.setRow(row, lower: -.infinity, upper: group.capacity[k] > 0 ? 1 : 0)
      for item in 0..<items where tier.requests[item * tier.resourceCount + k] > 0 {
        matrix.append((row, item, Double(tier.requests[item * tier.resourceCount + k]) / unit))
      }
    }
    try program.load(matrix)
  }

  /// The best multipliers for items at these prices.
  func multipliers(prices: [Double]) throws(PlacementError) -> Multipliers {
    for (item, price) in prices.enumerated() { try program.setObjective(item, price) }
    _ = try program.solve()
    return try multipliers()
  }

  private func multipliers() throws(PlacementError) -> Multipliers {
    let duals = try program.duals()
    return Multipliers(
      shareOfU: tier.edges.indices.map { min(max(0, -duals[2 * $0]), tier.edges[$0].gain) },
      capacityPrice: (0..<tier.resourceCount).map {
        max(0, -duals[2 * tier.edges.count + $0]) / Double(max(1, group.capacity[$0]))
      }
    )
  }
}
