internal import Foundation

/// What the undecided items of a pattern search can still add to a label at most.
///
/// It is the same search made easier, and solved exactly from the last item back to the first: a dynamic program over
/// the counts of a few open items and the room that is left. As many edges are *kept* as they are as the table has room
/// for. The gain of each other edge is split between its ends, which may then count differently (Lagrangian
/// decomposition); all resources but one are charged a price. The split and the prices are made as good as subgradient
/// steps make them (Held and Karp 1971, with the steps of Polyak 1969).
final class Completion {
  /// What an item decided before adds to the index of a state.
  struct Digit {
    var item: Int
    var field: PatternLayout.Field
    var radix: Int
  }

  /// A kept edge between a step's item and one decided before.
  private struct Tie {
    var gain: Double
    /// The other item's place among the open ones.
    var place: Int
    /// One over the other item's replicas.
    var part: Double
  }

  private let tier: PatternTier
  private let group: PatternTier.Group
  private let layout: PatternLayout
  private let table: CompletionTable
  /// Whether an edge's gain is as it is; it is split otherwise.
  let isKept: [Bool]
  /// Before each step, and after the last: the decided items with kept edges to undecided ones.
  private(set) var open: [[Digit]] = []
  private let stateCount: [Int]
  private var ties: [[Tie]] = []
  /// The radix of each step's item in the states after it; 0 where it has no kept edge to a later item.
  private(set) var ownRadix: [Int] = []

  /// The best multipliers of the last time.
  private(set) var multipliers: PriceRelaxation.Multipliers?
  /// The resource whose room is part of a state, nil where room costs nothing; how much of it a level is, and the levels
  /// of an empty bin.
  private(set) var resource: Int?
  private var unit: Int64 = 1
  private var levels = 0
  /// Whether levels tell the room exactly.
  private var isExact = false
  /// Levels that a replica of each item takes.
  private var need: [Int] = []
  /// Where the table has each step's numbers: by state and level, what the items from there on are worth at most.
  private var offset: [Int] = []
  /// What the numbers in the table may be off by.
  private var error = 0.0

  private static let mostLevels: Int64 = 128
  /// So many states, each with all levels, keep the table within some hundred megabytes.
  private static let statesOfAllSteps = 600_000
  /// A step length is halved after so many steps that made nothing better.
  private static let patience = 3

  /// - Parameter mostStates: how many states a step may have, where its item is there or is not; fewer where it may have
  ///   more replicas, or where all steps together have too many.
  init(
    _ tier: PatternTier, _ group: PatternTier.Group, _ layout: PatternLayout, _ table: CompletionTable, mostStates: Int
  ) {
    self.tier = tier
    self.group = group
    self.layout = layout
    self.table = table
    var mostStates = mostStates
    var (until, stateCount) = Self.keep(tier, group, layout, mostStates)
    while mostStates > 1 && stateCount.reduce(0, +) > Self.statesOfAllSteps {
      mostStates /= 2
      (until, stateCount) = Self.keep(tier, group, layout, mostStates)
    }
    self.stateCount = stateCount
    let isKept = tier.edges.map { edge in
      let (a, b) = (layout.position[edge.u], layout.position[edge.v])
      return until[min(a, b)] >= max(a, b)
    }
    self.isKept = isKept

    let steps = layout.order.count
    for step in 0...steps {
      var radix = 1
      var digits: [Digit] = []
      for earlier in 0..<step where until[earlier] >= step {
        let item = layout.order[earlier]
        digits.append(Digit(item: item, field: layout.fields[item], radix: radix))
        radix *= group.limits[item] + 1
      }
      open.append(digits)
    }
    for step in 0..<steps {
      let item = layout.order[step]
      ownRadix.append(open[step + 1].first { $0.item == item }?.radix ?? 0)
      ties.append(
        layout.relations[step].compactMap { relation in
          guard let e = relation.edge, isKept[e],
            let place = open[step].firstIndex(where: { $0.item == relation.other })
          else { return nil }
          return Tie(gain: tier.edges[e].gain, place: place, part: 1 / Double(tier.replicas[relation.other]))
        })
    }
  }

  /// Chooses the edges to keep: again and again those from one item to some later ones that gain most for each bit that
  /// states grow by. Answers up to which step each step's item stays open, and how many states there are before each.
  private static func keep(
    _ tier: PatternTier, _ group: PatternTier.Group, _ layout: PatternLayout, _ mostStates: Int
  ) -> (until: [Int], states: [Int]) {
    let steps = layout.order.count
    var until = Array(0..<steps)
    var states = Array(repeating: 1, count: steps + 1)
    var later: [[(step: Int, gain: Double)]] = Array(repeating: [], count: steps)
    for edge in tier.edges {
      let (a, b) = (layout.position[edge.u], layout.position[edge.v])
      later[min(a, b)].append((max(a, b), edge.gain))
    }
    for step in later.indices { later[step].sort { $0.step < $1.step } }
    let choices = layout.order.map { group.limits[$0] + 1 } + [1]
    // How far to keep a step's item open next, and what that gains for each bit; nil where there is no room.
    func offer(_ step: Int) -> (end: Int, worth: Double)? {
      var best: (end: Int, worth: Double)?
      var gain = 0.0
      var end = until[step]
      let bits = max(log2(Double(choices[step])), 1e-9)
      for other in later[step] where other.step > until[step] {
        while end < other.step {
          guard states[end + 1] * choices[step] * choices[end + 1] <= 2 * mostStates else { return best }
          end += 1
        }
        gain += other.gain
        let worth = gain / (bits * Double(end - until[step]))
        if worth > best?.worth ?? 0 { best = (end, worth) }
      }
      return best
    }
    var offers = (0..<steps).map { offer($0) }
    while let step = offers.indices.max(by: { offers[$0]?.worth ?? 0 < offers[$1]?.worth ?? 0 }),
      let end = offers[step]?.end
    {
      // There may be less room by now.
      if offer(step)?.end == end {
        for open in until[step]..<end { states[open + 1] *= choices[step] }
        until[step] = end
      }
      offers[step] = offer(step)
    }
    return (until, states)
  }

  // MARK: Multipliers

  /// Fills the table for items at these prices, with multipliers that are made better in so many steps.
  ///
  /// Ends early where no pattern can be worth more than the floor, or the budget is spent. No pattern is worth more than
  /// the value that it answers.
  ///
  /// - Parameter first: the best multipliers of the LP relaxation. The resource whose capacity is dearest by them
  ///   becomes part of states.
  func prepare(
    _ prices: [Double], _ first: PriceRelaxation.Multipliers, floor: Double, steps: Int, _ budget: WorkBudget
  ) -> (potential: Potential, value: Double) {
    choose(first)
    var multipliers = self.multipliers ?? first
    if isExact, let resource { multipliers.capacityPrice[resource] = 0 }
    var potential = Potential(tier, group, prices, multipliers, isKept: isKept)
    var (value, counts) = solve(potential, budget)
    var best = (potential: potential, value: value)
    var stale = 0
    var length = 1.0
    for _ in 0..<steps {
      guard value > floor, !budget.isSpent, descend(&multipliers, counts, length * (value - floor)) else { break }
      potential = Potential(tier, group, prices, multipliers, isKept: isKept)
      (value, counts) = solve(potential, budget)
      stale = value < best.value ? 0 : stale + 1
      if value < best.value { best = (potential, value) }
      if stale == Self.patience {
        length /= 2
        stale = 0
      }
    }
    if value > best.value { _ = solve(best.potential, budget) }
    self.multipliers = best.potential.multipliers
    return best
  }

  /// Chooses what the states tell of room.
  private func choose(_ first: PriceRelaxation.Multipliers) {
    func cost(_ k: Int) -> Double { first.capacityPrice[k] * Double(group.capacity[k]) }
    let dearest = group.capacity.indices.filter { cost($0) > 0 }.max { cost($0) < cost($1) }
    if dearest != resource { multipliers = nil }
    resource = dearest
    (unit, levels, isExact) = (1, 0, false)
    need = Array(repeating: 0, count: tier.itemCount)
    if let dearest {
      let capacity = group.capacity[dearest]
      let requests = need.indices.map { tier.requests[$0 * tier.resourceCount + dearest] }
      unit = max(1, need.indices.filter { group.limits[$0] > 0 }.reduce(0) { Self.divisor($0, requests[$1]) })
      isExact = capacity / unit <= Self.mostLevels
      if !isExact { unit = (capacity + Self.mostLevels - 1) / Self.mostLevels }
      levels = Int(clamping: capacity / unit)
      need = requests.map { Int($0 / unit) }
    }
    offset = [0]
    for count in stateCount { offset.append(offset[offset.count - 1] + count * (levels + 1)) }
    table.reserve(offset[offset.count - 1])
  }

  /// The greatest common divisor.
  private static func divisor(_ a: Int64, _ b: Int64) -> Int64 { b == 0 ? a : divisor(b, a % b) }

  /// Steps down the slope that the value has where the best counts are these; answers false where there is none.
  private func descend(_ multipliers: inout PriceRelaxation.Multipliers, _ counts: [Int], _ excess: Double) -> Bool {
    var shareSlope = tier.edges.map { _ in 0.0 }
    var capacitySlope = group.capacity.map { _ in 0.0 }
    var norm = 0.0
    for (e, edge) in tier.edges.enumerated() where !isKept[e] {
      let u = Double(counts[edge.u]) / Double(tier.replicas[edge.u])
      let v = Double(counts[edge.v]) / Double(tier.replicas[edge.v])
      let share = multipliers.shareOfU[e]
      if u > v && share <= 0 || u < v && share >= edge.gain { continue }
      shareSlope[e] = u - v
      norm += (u - v) * (u - v)
    }
    for k in group.capacity.indices where group.capacity[k] > 0 && !(isExact && k == resource) {
      var load = 0.0
      for item in counts.indices { load += Double(counts[item]) * Double(tier.requests[item * tier.resourceCount + k]) }
      let slope = 1 - load / Double(group.capacity[k])
      if slope > 0 && multipliers.capacityPrice[k] <= 0 { continue }
      capacitySlope[k] = slope
      norm += slope * slope
    }
    guard norm > 0 else { return false }
    let size = excess / norm
    for (e, edge) in tier.edges.enumerated() where shareSlope[e] != 0 {
      multipliers.shareOfU[e] = min(max(0, multipliers.shareOfU[e] - size * shareSlope[e]), edge.gain)
    }
    for k in group.capacity.indices where capacitySlope[k] != 0 {
      let change = size * capacitySlope[k] / Double(group.capacity[k])
      multipliers.capacityPrice[k] = max(0, multipliers.capacityPrice[k] - change)
    }
    return true
  }

  // MARK: The dynamic program

  /// What the items after a step are worth; valid until the table is filled again.
  struct Rest {
    fileprivate let numbers: UnsafeMutablePointer<Float>
    fileprivate let levels: Int
    fileprivate let unit: Int64
    fileprivate let error: Double

    /// What they add at most to a label in a state with so much room.
    func worth(state: Int, room: Int64) -> Double {
      Double(numbers[state * (levels + 1) + min(Int(room / unit), levels)]) + error
    }
  }

  func rest(after step: Int) -> Rest {
    Rest(numbers: table.numbers + offset[step + 1], levels: levels, unit: unit, error: error)
  }

  /// Numbers that take as long to make as a label.
  private static let numbersOfLabel = 50

  /// Fills the table. Answers what no pattern is worth more than, and the counts that this comes from.
  private func solve(_ potential: Potential, _ budget: WorkBudget) -> (value: Double, counts: [Int]) {
    let steps = layout.order.count
    for level in 0...levels { table.numbers[offset[steps] + level] = 0 }
    error = 0
    for step in (0..<steps).reversed() {
      error += fill(step, potential)
      budget.spend((offset[step + 1] - offset[step]) * (group.limits[layout.order[step]] + 1) / Self.numbersOfLabel)
    }

    var counts = Array(repeating: 0, count: tier.itemCount)
    var level = levels
    for step in 0..<steps {
      let item = layout.order[step]
      let known = open[step].map { counts[$0.item] }
      var state = 0
      for digit in open[step + 1] where digit.item != item { state += counts[digit.item] * digit.radix }
      var best = (worth: -Float.infinity, count: 0)
      for count in 0...group.limits[item] where count * need[item] <= level {
        let from = offset[step + 1] + (state + count * ownRadix[step]) * (levels + 1) + level - count * need[item]
        var worth = potential.profit[item] * Double(count)
        for tie in ties[step] { worth += gain(tie, known[tie.place], item, count) }
        if table.numbers[from] + Float(worth) > best.worth { best = (table.numbers[from] + Float(worth), count) }
      }
      counts[item] = best.count
      level -= best.count * need[item]
    }
    return (Double(table.numbers[levels]) + error + potential.charged, counts)
  }

  private func gain(_ tie: Tie, _ known: Int, _ item: Int, _ count: Int) -> Double {
    tie.gain * min(Double(known) * tie.part, Double(count) / Double(tier.replicas[item]))
  }

  /// Fills a step's part of the table from that of the next; answers how far rounding may put its numbers off further.
  private func fill(_ step: Int, _ potential: Potential) -> Double {
    let item = layout.order[step]
    let digits = open[step]
    var rows = Rows(
      count: stateCount[step], length: levels + 1,
      choices: min(group.limits[item], need[item] > 0 ? levels / need[item] : .max) + 1, need: need[item],
      to: table.numbers + offset[step], from: table.numbers + offset[step + 1], ownRadix: ownRadix[step])
    rows.radices = digits.map { digit in open[step + 1].first { $0.item == digit.item }?.radix ?? 0 }
    rows.most = digits.map { group.limits[$0.item] }
    rows.alone = (0..<rows.choices).map { Float(potential.profit[item] * Double($0)) }
    for tie in ties[step] {
      rows.ends.append((tie.place, rows.gains.count))
      for known in 0...rows.most[tie.place] {
        for count in 0..<rows.choices { rows.gains.append(Float(gain(tie, known, item, count))) }
      }
    }
    let largest = rows.fill() + (rows.alone.map(abs).max() ?? 0) + ties[step].reduce(0) { $0 + Float($1.gain) }
    return Double(largest) * Double(Float.ulpOfOne) * Double(ties[step].count + 2)
  }
}

/// Room for the numbers of a ``Completion``; several that are not in use at the same time share one.
final class CompletionTable {
  private(set) var numbers: UnsafeMutablePointer<Float> = .allocate(capacity: 0)
  private var capacity = 0

  /// Makes room for so many numbers; those that were there are lost.
  func reserve(_ count: Int) {
    guard count > capacity else { return }
    numbers.deallocate()
    numbers = .allocate(capacity: count)
    capacity = count
  }

  deinit { numbers.deallocate() }
}

/// The numbers of one step of a ``Completion``: a row of levels for each state.
private struct Rows {
  var count: Int
  var length: Int
  /// Counts of the step's item, 0 included, and what a replica needs.
  var choices: Int
  var need: Int
  var to: UnsafeMutablePointer<Float>
  /// The rows of the next step.
  var from: UnsafeMutablePointer<Float>
  /// What each replica of the step's item adds to the index of the next step's state.
  var ownRadix: Int
  /// What each replica of an open item adds to it, and the most of them.
  var radices: [Int] = []
  var most: [Int] = []
  /// What each count is worth by itself.
  var alone: [Float] = []
  /// For each kept edge, the open item at its other end, and where its gains begin: by that one's count and this one's.
  var ends: [(place: Int, first: Int)] = []
  var gains: [Float] = []

  /// Makes the numbers; answers how large they are.
  func fill() -> Float {
    var known = most.map { _ in 0 }
    var worth = alone
    return fill(&known, &worth, radices, most, alone, ends, gains)
  }

  private func fill(
    _ known: UnsafeMutablePointer<Int>, _ worth: UnsafeMutablePointer<Float>, _ radices: UnsafePointer<Int>,
    _ most: UnsafePointer<Int>, _ alone: UnsafePointer<Float>, _ ends: UnsafePointer<(place: Int, first: Int)>,
    _ gains: UnsafePointer<Float>
  ) -> Float {
    let (openCount, endCount) = (self.most.count, self.ends.count)
    var highest: Float = 0
    for state in 0..<count {
      let row = to + state * length
      var next = 0
      for d in 0..<openCount { next += known[d] * radices[d] }
      for count in 0..<choices { worth[count] = alone[count] }
      for end in 0..<endCount {
        let first = ends[end].first + known[ends[end].place] * choices
        for count in 0..<choices { worth[count] += gains[first + count] }
      }
      let source = from + next * length
      for level in 0..<length { row[level] = source[level] + worth[0] }
      for count in 1..<max(1, choices) {
        let used = count * need
        Self.raise(row + used, to: source + count * ownRadix * length, plus: worth[count], length - used)
      }
      highest = max(highest, abs(row[length - 1]))
      for d in 0..<openCount {
        known[d] += 1
        if known[d] <= most[d] { break }
        known[d] = 0
      }
    }
    return highest
  }

  /// Raises numbers to others plus something where that is more.
  private static func raise(
    _ numbers: UnsafeMutablePointer<Float>, to others: UnsafeMutablePointer<Float>, plus add: Float, _ count: Int
  ) {
    typealias Block = SIMD8<Float>
    guard count >= Block.scalarCount else {
      for i in 0..<count { numbers[i] = max(numbers[i], others[i] + add) }
      return
    }
    let (to, from) = (UnsafeMutableRawPointer(numbers), UnsafeRawPointer(others))
    var done = 0
    while done < count {
      // The last block may cover some numbers once more, which changes nothing.
      let at = min(done, count - Block.scalarCount) * MemoryLayout<Float>.stride
      let old = to.loadUnaligned(fromByteOffset: at, as: Block.self)
      let new = from.loadUnaligned(fromByteOffset: at, as: Block.self) + add
      to.storeBytes(of: old.replacing(with: new, where: new .> old), toByteOffset: at, as: Block.self)
      done += Block.scalarCount
    }
  }
}
