/// Bounds the gain of a tier from above by column generation.
///
/// For any prices of items, no placement gains more than what the prices make of all replicas, and for each bin what
/// its best pattern is worth beyond them (Lagrangian duality): the bound holds whatever the linear program says, and
/// also where the best pattern is only known to be below something. The program over the patterns so far proposes
/// prices, from the middle of those that are best (Rousseau, Gendreau and Feillet 2007); they are drawn towards those of
/// the best bound, which settles them sooner (Wentges 1997).
final class ColumnGeneration {
  /// What a step did.
  enum Progress {
    /// New patterns came in, or a wider search is due.
    case improving
    /// The bound meets the program's value.
    case converged
    /// Was told to stop.
    case stopped
  }

  private(set) var tier: PatternTier
  private(set) var pool = PatternPool()
  let master: PatternMaster
  private(set) var searches: [PatternSearch] = []
  private var improvers: [PatternImprover] = []

  /// No placement at the utilization in force gains more.
  private(set) var bound: Double
  /// The prices with the lowest bound at the utilization in force, what the best pattern of each group is worth beyond
  /// them at most, and the bound.
  private(set) var center: (prices: [Double], worth: [Double], bound: Double)?
  /// Value of the last program.
  private(set) var value = -Double.infinity

  /// The order in which searches decide on items.
  private let order: [Int]
  private var widths: [Int]
  /// Where prices come from: extreme dual values of the program, those in the middle of the best, or these drawn
  /// towards the prices of the best bound.
  private enum Source { case smoothed, central, extreme }
  private var source = Source.smoothed
  /// The prices that the program's are drawn towards.
  private var anchor: [Double]?
  let scale: Double
  private static let narrow = 400
  /// Before searches so wide, a few that are so much narrower look for new patterns.
  private static let wide = 25_000
  private static let muchNarrower = 16
  private static let mostNarrowLooks = 5
  private var narrowLooks = 0
  private static let smoothing = 0.6
  static let tolerance = 1e-8
  private var stepsSinceSearch = 0
  private static let mostStepsWithoutSearch = 8
  private static let fewImproved = 3
  /// Searches are made wider while there are new patterns, too, where this share of the gap is doubt.
  private static let mostDoubt = 0.5
  /// Searches are made wider in groups that have this share of the doubt of the group with the most.
  private static let muchDoubt = 0.1
  private static let patternsOfSearch = 30
  /// So many columns go on into a larger core.
  private static let mostKept = 1000

  init(_ tier: PatternTier) throws(PlacementError) {
    self.tier = tier
    scale = tier.totalGain
    bound = scale
    master = try PatternMaster(tier)
    order = PatternLayout.order(tier)
    widths = tier.groups.map { _ in Self.narrow }
    try makeSearches()
  }

  /// Goes on where one for a smaller core of the same tier was, filled up to the same utilization.
  ///
  /// The ends of each new edge are credited half of its gain each, on top of the prices so far. No pattern is worth more
  /// at these prices than its part was before, so that what was known then stays known.
  init(_ tier: PatternTier, from smaller: ColumnGeneration) throws(PlacementError) {
    self.tier = tier
    scale = tier.totalGain
    bound = smaller.bound + (tier.totalGain - smaller.tier.totalGain)
    master = try PatternMaster(tier)
    order = PatternLayout.order(tier)
    widths = tier.groups.map { _ in Self.narrow }
    try makeSearches()

    let places = smaller.tier.workloads.map { tier.itemOf[$0] ?? 0 }
    var known: [[Int]: Double] = [:]
    for edge in smaller.tier.edges {
      let (u, v) = (places[edge.u], places[edge.v])
      known[[min(u, v), max(u, v)]] = edge.gain
    }
    func grown(_ old: [Double]) -> [Double] {
      var prices = Array(repeating: 0.0, count: tier.itemCount)
      for (item, price) in old.enumerated() { prices[places[item]] = price }
      for edge in tier.edges {
        let added = edge.gain - (known[[min(edge.u, edge.v), max(edge.u, edge.v)]] ?? 0)
        prices[edge.u] += added / 2 / Double(tier.replicas[edge.u])
        prices[edge.v] += added / 2 / Double(tier.replicas[edge.v])
      }
      return prices
    }
    anchor = smaller.anchor.map(grown)
    if let before = smaller.center {
      let prices = grown(before.prices)
      let worth = tier.groups.map { group in
        // Groups may have come apart, or been lumped in another way.
        zip(smaller.tier.groups, before.worth).filter { !Set($0.0.bins).isDisjoint(with: group.bins) }
          .map(\.1).max() ?? .infinity
      }
      center = (prices, worth, lagrangian(prices, worth))
      anchor = prices
    }

    for (group, pattern) in try smaller.nearColumns(above: -.infinity, most: Self.mostKept) {
      var counts = Array(repeating: Int32(0), count: tier.itemCount)
      for (item, count) in smaller.pool.patterns[pattern].entries { counts[places[Int(item)]] = count }
      // Groups may have come apart where a new item tells their bins from each other.
      for g in tier.groups.indices where smaller.tier.groups[group].bins.contains(tier.groups[g].bins[0]) {
        try add(counts, g)
      }
    }
  }

  private func makeSearches() throws(PlacementError) {
    searches = []
    let table = CompletionTable()
    for group in tier.groups { searches.append(try PatternSearch(tier, group: group, order: order, table)) }
    improvers = tier.groups.map { PatternImprover(tier, group: $0) }
  }

  /// Limits what bins hold to a utilization, and says what is known of the gain there.
  func fill(upTo utilization: Double, bound known: Double, isLower: Bool) throws(PlacementError) {
    tier.fill(upTo: utilization)
    try makeSearches()
    try master.allow { pool.patterns[$0].fits(tier.groups[$1]) }
    bound = known
    // What is known of bins holds for bins that hold less.
    if !isLower { center = nil }
    value = -.infinity
    widths = tier.groups.map { _ in Self.narrow }
    source = .smoothed
  }

  /// Takes in the patterns of a placement: counts of items in each bin. The first one also gives prices to start
  /// from: each end of an edge is credited half of what the edge gains.
  func add(_ bins: [(group: Int, counts: [Int32])]) throws(PlacementError) {
    for bin in bins { try add(bin.counts, bin.group) }
    guard anchor == nil else { return }
    var prices = Array(repeating: 0.0, count: tier.itemCount)
    for bin in bins {
      for edge in tier.edges {
        let share = min(
          Double(bin.counts[edge.u]) / Double(tier.replicas[edge.u]),
          Double(bin.counts[edge.v]) / Double(tier.replicas[edge.v]))
        prices[edge.u] += edge.gain * share / 2 / Double(tier.replicas[edge.u])
        prices[edge.v] += edge.gain * share / 2 / Double(tier.replicas[edge.v])
      }
    }
    anchor = prices
  }

  func add(_ counts: [Int32], _ group: Int) throws(PlacementError) {
    let index = pool.index(of: counts, tier)
    let isAllowed = pool.patterns[index].fits(tier.groups[group])
    try master.add(index, pool.patterns[index], group: group, isAllowed: isAllowed)
  }

  /// Solves the program, looks for better patterns, and improves the bound.
  func step(_ budget: WorkBudget) throws(PlacementError) -> Progress {
    var solution = try master.solve()
    value = solution.value
    budget.spend(1000)
    if isSettled { return try settle() }
    if source != .extreme { solution = try master.centered(solution) }

    var prices = solution.prices
    if source == .smoothed, let anchor {
      for i in prices.indices { prices[i] += Self.smoothing * (anchor[i] - prices[i]) }
    }
    stepsSinceSearch += 1
    if stepsSinceSearch < Self.mostStepsWithoutSearch {
      let found = try master.improveColumns(of: solution, prices: prices, improvers, &pool)
      if found >= Self.fewImproved { return .improving }
    }
    stepsSinceSearch = 0

    // Where the present patterns stand at these prices.
    var known = Array(repeating: 0.0, count: tier.groups.count)
    for (pattern, group) in master.columns where pool.patterns[pattern].fits(tier.groups[group]) {
      known[group] = max(known[group], pool.patterns[pattern].worth(prices))
    }

    if narrowLooks < Self.mostNarrowLooks && widths.contains(where: { $0 >= Self.wide }) {
      narrowLooks += 1
      let narrower = widths.map { max(Self.narrow, $0 / Self.muchNarrower) }
      if try look(narrower, prices, known, solution, budget).found > 0 { return .improving }
    }
    narrowLooks = 0
    let sight = try look(widths, prices, known, solution, budget)
    if budget.isSpent { return .stopped }

    let candidate = lagrangian(prices, sight.worth)
    if candidate < center?.bound ?? .infinity {
      bound = min(bound, candidate)
      center = (prices, sight.worth, candidate)
    }
    let isNarrow = widths.allSatisfy { $0 == Self.narrow }
    anchor = isNarrow ? prices : center?.prices

    let isDoubtful = sight.doubt.reduce(0, +) > Self.mostDoubt * (candidate - value)
    if isDoubtful && widen(sight.doubt) || sight.found > 0 {
      source = .smoothed
      return .improving
    }
    if isSettled { return try settle() }
    switch source {
    case .smoothed: source = .central
    case .central: source = .extreme
    case .extreme:
      guard widen(sight.doubt) else { return try settle() }
      source = .smoothed
    }
    return .improving
  }

  /// What searches in all groups saw.
  private struct Sight {
    /// What a bin of each group is worth beyond the prices at most.
    var worth: [Double]
    /// What each group's bins may be worth together beyond the best patterns that were found.
    var doubt: [Double]
    /// How many columns are new.
    var found = 0
  }

  /// Searches for patterns that the program lacks, so widely in each group.
  ///
  /// - Parameter known: what the best of the present patterns are worth at these prices.
  private func look(
    _ widths: [Int], _ prices: [Double], _ known: [Double], _ solution: PatternMaster.Solution,
    _ budget: WorkBudget
  ) throws(PlacementError) -> Sight {
    var sight = Sight(worth: known, doubt: known.map { _ in 0 })
    for g in tier.groups.indices {
      let outcome = try searches[g].search(
        PatternSearch.Request(
          prices: prices, floor: widths[g] > Self.narrow ? known[g] : 0, width: widths[g],
          keep: Self.patternsOfSearch),
        budget)
      budget.spend(outcome.labels)
      sight.worth[g] = max(known[g], outcome.bound)
      if outcome.isTruncated {
        let best = max(known[g], outcome.patterns.first?.worth ?? 0)
        sight.doubt[g] = (sight.worth[g] - best) * Double(tier.groups[g].bins.count)
      }
      for pattern in outcome.patterns {
        let index = pool.index(of: pattern.counts, tier)
        let reduced = pool.patterns[index].worth(solution.prices) - solution.binPrices[g]
        guard reduced > Self.tolerance * scale else { continue }
        if try master.add(index, pool.patterns[index], group: g, isAllowed: true) { sight.found += 1 }
      }
    }
    return sight
  }

  /// Makes searches wider where there is most doubt; answers false where none can be.
  private func widen(_ doubt: [Double]) -> Bool {
    let open = tier.groups.indices.filter { doubt[$0] > 0 && widths[$0] < searches[$0].mostWidth }
    guard let most = open.map({ doubt[$0] }).max() else { return false }
    for g in open where doubt[g] >= Self.muchDoubt * most { widths[g] = min(widths[g] * 4, searches[g].mostWidth) }
    return true
  }

  /// What no placement gains more than, given prices and what a bin of each group is worth beyond them at most.
  private func lagrangian(_ prices: [Double], _ worth: [Double]) -> Double {
    var sum = 0.0
    for (item, price) in prices.enumerated() { sum += price * Double(tier.replicas[item]) }
    for (g, group) in tier.groups.enumerated() { sum += worth[g] * Double(group.bins.count) }
    // Sums of so many terms are off by less than this.
    return sum + 1e-12 * (scale + abs(sum)) * Double(tier.itemCount + tier.edges.count)
  }

  private var isSettled: Bool { (center?.bound ?? .infinity) - value <= Self.tolerance * scale }

  /// Ends, unless replicas were left out only because that is too cheap.
  private func settle() throws(PlacementError) -> Progress {
    guard master.penalty < 1e6, try master.leavesOut() else { return .converged }
    try master.raisePenalty(to: master.penalty * 10)
    source = .extreme
    return .improving
  }
}
