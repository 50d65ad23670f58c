/// Bounds the cost of one tier, the peak utilization's part of it included, and finds the best placement as far as the
/// tier alone decides.
///
/// What a tier gains depends on how full its bins may be. So the peak utilization is cut into intervals. In an interval
/// a placement costs at least what the tier costs with bins as full as its upper end, and the utilization at its lower
/// end. Column generation gives the former; an interval whose bound is not there yet is cut again, or its patterns are
/// listed and the best choice among them is found.
final class TierProof {
  /// A placement in terms of the tier: a group and a pattern for each bin that is not empty.
  typealias Bins = [(group: Int, pattern: Pattern)]

  /// A range of the peak utilization in which placements may be that cost less than the target.
  private struct Interval {
    var low: Double
    var high: Double
    /// What the tier costs at least, the utilization left aside.
    var cost: Double
    /// Whether the cost is that of the best choice of patterns with bins as full as `high`.
    var isExact = false
    /// Whether all there is to try has been tried.
    var isExhausted = false
  }

  /// A search for the best choice of patterns.
  private struct Choice {
    var search: PatternChoice
    /// The utilization that bins are filled up to there.
    var utilization: Double
    /// What it was to exceed.
    var goal: Double
    /// Whether it has all patterns that matter.
    var isComplete: Bool
    /// Whether one that has not is through with what it has.
    var isOver = false
  }

  private let problem: Problem
  /// What the tier's core costs where nothing is localized.
  private var total: Double { tier.totalGain + tier.lost }
  /// λ.
  private let weight: Double
  private var intervals: [Interval]
  private var generation: ColumnGeneration
  private let levels: UtilizationLevels
  /// The utilization that the generation is at.
  private var level: Double
  private var choice: Choice?
  /// The placement taken in last.
  private var incumbent: Assignment?
  /// Everything outside of the intervals costs at least this.
  private var outside = Double.infinity
  /// Differences below this do not matter.
  let tolerance: Double
  private let mostPatterns: Int
  static let mostPatterns = 200_000
  /// A core grows when no more is to be had of it than this share of the traffic outside.
  private static let worthLess = 0.2

  var tier: PatternTier { generation.tier }

  /// - Parameters:
  ///   - utilization: the weight λ of the peak utilization.
  ///   - floor: the least peak utilization there can be.
  ///   - mostPatterns: how many patterns a search for the best choice may have.
  init(
    _ tier: PatternTier, of problem: Problem, utilization: Double, floor: Double, levels: UtilizationLevels,
    mostPatterns: Int
  ) throws(PlacementError) {
    self.problem = problem
    self.levels = levels
    self.mostPatterns = mostPatterns
    weight = utilization
    var tier = tier
    level = max(1, floor, tier.highestUtilization)
    tier.fill(upTo: level)
    generation = try ColumnGeneration(tier)
    intervals = [
      utilization > 0
        ? Interval(low: levels.lowest(from: floor), high: levels.highest(upTo: level), cost: 0)
        : Interval(low: floor, high: level, cost: 0)
    ]
    tolerance = 1e-7 * (problem.edges.reduce(0) { $0 + $1.traffic } * tier.unitGain + utilization)
  }

  /// No placement costs less.
  var lowerBound: Double { min(outside, intervals.map { bound(of: $0) }.min() ?? .infinity) }

  /// Whether nothing that is left to try would raise the bound.
  var isExhausted: Bool {
    guard let lowest = lowestInterval else { return true }
    return intervals[lowest].isExhausted
  }

  private func bound(of interval: Interval) -> Double { interval.cost + weight * interval.low }

  private var lowestInterval: Int? {
    intervals.indices.min { bound(of: intervals[$0]) < bound(of: intervals[$1]) }
  }

  /// Takes in a placement's patterns.
  func add(_ placement: Assignment) throws(PlacementError) {
    incumbent = placement
    try generation.add(tier.bins(of: placement))
  }

  /// Raises the bound towards the target.
  ///
  /// Returns when the bound is there, when the budget is spent, when nothing more can be done, or with a placement that
  /// costs less than the target by the tier alone.
  func run(target: Double, _ budget: WorkBudget) throws(PlacementError) -> Bins? {
    while !budget.isSpent, let index = lowestInterval {
      let interval = intervals[index]
      let missing = target - tolerance - bound(of: interval)
      if missing <= 0 || interval.isExhausted { return nil }
      if level != interval.high {
        try generation.fill(upTo: interval.high, bound: total - interval.cost, isLower: interval.high < level)
        level = interval.high
      }
      if let bins = try improve(index, target: target - tolerance, budget) { return bins }
    }
    return nil
  }

  /// Works on one interval until its bound reaches the target or something is to be decided anew.
  private func improve(_ index: Int, target: Double, _ budget: WorkBudget) throws(PlacementError) -> Bins? {
    let wanted = target - weight * intervals[index].low
    if intervals[index].isExact {
      if !trim(index, target) { intervals[index].isExhausted = true }
      return nil
    }
    var progress = ColumnGeneration.Progress.improving
    while progress == .improving {
      progress = try generation.step(budget)
      raise(to: total - generation.bound)
      if intervals[index].cost >= wanted || budget.isSpent { return nil }
      if generation.bound - generation.value <= Self.worthLess * tier.outside { progress = .converged }
    }
    guard progress == .converged else { return nil }
    let width = intervals[index].high - intervals[index].low
    if (intervals[index].high - worthwhileEnd(index, target)) > 0.1 * width, trim(index, target) { return nil }
    if split(index, target) { return nil }
    if let grown = tier.grown(problem) {
      try grow(to: grown)
      return nil
    }

    // What a placement must gain to be of interest, at the interval's lowest utilization.
    let goal = total - wanted
    if choice?.utilization != level || choice?.goal ?? .infinity > goal { choice = try makeChoice(above: goal, budget) }
    guard let choice else {
      if !budget.isSpent && !halve(index) { intervals[index].isExhausted = true }
      return nil
    }
    if choice.isOver {
      // With a better placement fewer patterns matter than before.
      if goal <= choice.goal && !halve(index) { intervals[index].isExhausted = true }
      self.choice = nil
      return nil
    }
    let outcome = try choice.search.run(above: goal, budget)
    guard choice.isComplete else { return better(outcome, target) }
    switch outcome {
    case .none(let bound):
      intervals[index].cost = max(intervals[index].cost, bound <= goal ? wanted : total - bound)
      intervals[index].isExhausted = intervals[index].cost < wanted
    case .best(let bins, let gain, let bound):
      intervals[index].cost = max(intervals[index].cost, total - bound)
      intervals[index].isExact = true
      if total - gain + weight * peak(of: bins) < target { return bins }
    case .stopped(let bins, let gain):
      if let bins, total - gain + weight * peak(of: bins) < target { return bins }
    }
    return nil
  }

  /// A search among all patterns that matter, or among the best of them where they are too many.
  private func makeChoice(above goal: Double, _ budget: WorkBudget) throws(PlacementError) -> Choice? {
    for share in [1, 0.25, 0.06] {
      let search = try generation.choice(above: goal, share: share, most: mostPatterns, budget)
      if let search { return Choice(search: search, utilization: level, goal: goal, isComplete: share == 1) }
    }
    return nil
  }

  /// The choice that a search among some of the patterns found, where it costs less than the target.
  private func better(_ outcome: PatternChoice.Outcome, _ target: Double) -> Bins? {
    var found: (bins: Bins, gain: Double)?
    switch outcome {
    case .stopped(let bins, let gain): found = bins.map { ($0, gain) }
    case .best(let bins, let gain, _):
      found = (bins, gain)
      choice?.isOver = true
    case .none: choice?.isOver = true
    }
    return found.flatMap { total - $0.gain + weight * peak(of: $0.bins) < target ? $0.bins : nil }
  }

  /// Goes on with a larger core.
  private func grow(to grown: PatternTier) throws(PlacementError) {
    var grown = grown
    grown.fill(upTo: level)
    generation = try ColumnGeneration(grown, from: generation)
    if let incumbent { try generation.add(grown.bins(of: incumbent)) }
    choice = nil
    for i in intervals.indices { intervals[i].isExhausted = false }
  }

  /// The utilization of the fullest bin.
  private func peak(of bins: Bins) -> Double {
    var peak = 0.0
    for (group, pattern) in bins {
      for k in 0..<tier.resourceCount where tier.groups[group].allocatable[k] > 0 {
        let load = pattern.load[k] + tier.groups[group].reserved[k]
        peak = max(peak, Double(load) / Double(tier.groups[group].allocatable[k]))
      }
    }
    return peak
  }

  /// What costs so much at a utilization costs no less at a lower one.
  private func raise(to cost: Double) {
    for i in intervals.indices where intervals[i].high <= level { intervals[i].cost = max(intervals[i].cost, cost) }
  }

  /// From where on the utilization alone makes a placement in an interval cost the target.
  private func worthwhileEnd(_ index: Int, _ target: Double) -> Double {
    weight > 0 ? (target - intervals[index].cost) / weight : .infinity
  }

  /// Cuts off the upper part of an interval, where placements cost the target; answers whether there is one.
  private func trim(_ index: Int, _ target: Double) -> Bool {
    let end = worthwhileEnd(index, target)
    guard end <= intervals[index].high else { return false }
    outside = min(outside, target)
    intervals[index].high = levels.highest(below: end)
    intervals[index].isExact = false
    if intervals[index].high < intervals[index].low { intervals[index].cost = .infinity }
    return true
  }

  /// Cuts an interval where its width is much of what its bound lacks.
  private func split(_ index: Int, _ target: Double) -> Bool {
    let interval = intervals[index]
    let missing = target - bound(of: interval)
    return weight * (interval.high - interval.low) > missing / 2 && halve(index)
  }

  /// Cuts an interval in two, unless it is a single level.
  private func halve(_ index: Int) -> Bool {
    let interval = intervals[index]
    guard weight > 0, interval.low < interval.high else { return false }
    let end = max(interval.low, levels.highest(upTo: (interval.low + interval.high) / 2))
    var upper = interval
    upper.low = levels.lowest(above: end)
    if upper.low > upper.high { upper.cost = .infinity }
    intervals[index].high = end
    intervals.append(upper)
    return true
  }
}
