/// Item by item, what multipliers make of pricing.
struct Potential {
  var multipliers: PriceRelaxation.Multipliers
  /// What a replica of an item is worth with its part of split edges' gains, its price and its capacity charged.
  var profit: [Double]
  /// What the capacity of a bin is charged in all.
  var charged: Double

  /// - Parameter isKept: the edges whose gains are not split.
  init(
    _ tier: PatternTier, _ group: PatternTier.Group, _ prices: [Double], _ multipliers: PriceRelaxation.Multipliers,
    isKept: [Bool]
  ) {
    self.multipliers = multipliers
    charged = 0
    profit = prices.map { -$0 }
    for k in 0..<tier.resourceCount where multipliers.capacityPrice[k] > 0 {
      charged += multipliers.capacityPrice[k] * Double(group.capacity[k])
      for item in profit.indices {
        profit[item] -= multipliers.capacityPrice[k] * Double(tier.requests[item * tier.resourceCount + k])
      }
    }
    for (e, edge) in tier.edges.enumerated() where !isKept[e] {
      profit[edge.u] += multipliers.shareOfU[e] / Double(tier.replicas[edge.u])
      profit[edge.v] += (edge.gain - multipliers.shareOfU[e]) / Double(tier.replicas[edge.v])
    }
  }
}
