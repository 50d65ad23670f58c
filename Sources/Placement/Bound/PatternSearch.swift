/// Finds the best patterns of a bin for given prices of items: a knapsack with gains between pairs.
///
/// Items are decided one after the other. A label is a set of decisions so far. Of labels that agree on those items
/// that still have undecided neighbours, one that uses no less of any resource and is worth no more than another is
/// dropped. Every label has a bound: what it is worth so far and what a ``Completion`` adds at most. Labels that cannot
/// reach the floor are dropped; where too many are left the most promising stay, and the best bound among the others
/// tells how far the result is from the best at most.
final class PatternSearch {
  /// What to look for.
  struct Request {
    /// Price of each item's replica.
    var prices: [Double]
    /// Patterns worth no more than this are of no interest.
    var floor: Double
    /// How many labels to keep at each step.
    var width: Int
    /// How many patterns to return at most.
    var keep: Int
  }

  /// What was found.
  struct Outcome {
    /// A pattern above the floor, and its worth: what it gains less its items' prices.
    struct Found {
      var counts: [Int32]
      var worth: Double
    }

    /// Best first.
    var patterns: [Found] = []
    /// No pattern is worth more; the floor or above.
    var bound: Double
    /// Whether patterns above the floor may have been missed, other than by ``Request/keep``.
    var isTruncated = false
    /// Labels made, those that others were better than included: a measure of work.
    var labels = 0
  }

  /// Items whose open edges gain less than this share of what a search spans are not compared exactly.
  private static let lightShare = 0.05
  private var spread = 0.0
  /// Labels made since the search began, or the listing's step.
  private var labels = 0
  private let tier: PatternTier
  private let group: PatternTier.Group
  private let layout: PatternLayout
  private let relaxation: PriceRelaxation
  /// What labels are bounded by, from quick to thorough, one for each of ``Care``.
  private let completions: [Completion]
  /// The one in use.
  private var completion: Completion
  private var current: LabelLayer
  private var following: LabelLayer
  /// How much goes into a completion before a search.
  private struct Care {
    /// For searches from this width on.
    var width: Int
    /// So many states at each step.
    var states: Int
    /// Subgradient steps.
    var steps: Int
  }
  /// The wider a search, the more it gains by better bounds; lists gain most.
  private static let cares = [
    Care(width: 0, states: 256, steps: 5), Care(width: 100_000, states: 8192, steps: 15),
    Care(width: 400_000, states: 32_768, steps: 15),
  ]
  /// Labels that are decided on before the next look whether the budget is spent.
  private static let labelsBetweenLooks = 4096
  /// So many arcs make a listing too large.
  private static let mostArcs = 20_000_000

  /// Words of labels of a step that a search keeps at most: some hundred megabytes in all.
  private static let mostWords = 6_000_000
  /// The greatest width of a search.
  var mostWidth: Int { max(1000, Self.mostWords / current.stride) }

  init(_ tier: PatternTier, group: PatternTier.Group, order: [Int], _ table: CompletionTable) throws(PlacementError) {
    let tier = tier.withoutRequestsThatAlwaysFit(in: group)
    self.tier = tier
    self.group = group
    let layout = PatternLayout(tier, limits: group.limits, order: order)
    self.layout = layout
    relaxation = try PriceRelaxation(tier, group: group)
    completions = Self.cares.map { Completion(tier, group, layout, table, mostStates: $0.states) }
    completion = completions[0]
    current = LabelLayer(resourceCount: tier.resourceCount, wordCount: layout.wordCount)
    following = LabelLayer(resourceCount: tier.resourceCount, wordCount: layout.wordCount)
  }

  /// Searches for the best patterns. A search whose budget is spent on the way has a bound all the same.
  func search(_ request: Request, _ budget: WorkBudget) throws(PlacementError) -> Outcome {
    var outcome = Outcome(bound: request.floor)
    var dropped = -Double.infinity
    let (potential, value) = try relax(request, budget)
    if value <= request.floor { return outcome }

    start(value)
    labels = 0
    spread = value - request.floor

    for step in layout.order.indices {
      let isLast = step == layout.order.count - 1
      dropped = max(dropped, expand(step, request, potential, budget, competing: !isLast))
      following.remove(upTo: request.floor)
      dropped = max(dropped, following.shrink(to: request.width))
      swap(&current, &following)
      if current.count == 0 { break }
      if !isLast && budget.isSpent {
        for label in 0..<current.count { dropped = max(dropped, current.bound(label)) }
        current.count = 0
        break
      }
    }

    outcome.labels = labels
    collect(request, &outcome)
    outcome.isTruncated = dropped > request.floor
    outcome.bound = max(outcome.bound, dropped)
    return outcome
  }

  /// Prepares a completion; answers what no pattern is worth more than, too.
  private func relax(
    _ request: Request, _ budget: WorkBudget
  ) throws(PlacementError) -> (potential: Potential, value: Double) {
    let care = Self.cares.lastIndex { $0.width <= request.width } ?? 0
    completion = completions[care]
    return completion.prepare(
      request.prices, try relaxation.multipliers(prices: request.prices), floor: request.floor,
      steps: Self.cares[care].steps, budget)
  }

  /// Makes the one label of no decisions.
  private func start(_ value: Double) {
    current.count = 1
    for field in 0..<current.stride { current.records[field] = 0 }
    current.records[LabelLayer.bound] = value.bitPattern
    current.records[LabelLayer.base] = 0.0.bitPattern
  }

  /// A tie of the step's item to one decided before.
  private struct Tie {
    var field: PatternLayout.Field
    /// What this item's part of all replicas loses where it is above the other's, and the other way round.
    var ownShare: Double
    var otherShare: Double
    /// One over the other item's replicas.
    var part: Double
    var isConflict: Bool
    /// The edge's gain where it is kept, and not split.
    var kept: Double
  }

  /// What the labels of a step become with each count of the step's item.
  struct Arcs {
    /// Counts of the item, 0 included.
    var choices: Int
    /// The label at the next step, −1 for none, by label and count.
    var targets: [Int32]
    /// What the count adds to the label's worth.
    var worth: [Double]
  }

  /// Decides on the step's item in all ways for all labels. Answers the highest bound among the labels that were
  /// dropped.
  ///
  /// - Parameter arcs: where they are wanted; no label is dropped then but for its bound, and those that others are
  ///   better than lead on to these.
  private func expand(
    _ step: Int, _ request: Request, _ potential: Potential, _ budget: WorkBudget, competing: Bool,
    arcs: UnsafeMutablePointer<Arcs>? = nil
  ) -> Double {
    let item = layout.order[step]
    let limit = group.limits[item]
    let ties = layout.relations[step].map { tie(of: item, $0, potential) }
    let own = layout.fields[item]
    let ownPart = 1 / Double(tier.replicas[item])
    let resourceCount = tier.resourceCount
    let stride = following.stride
    let ownWord = following.words + own.word
    let requests = Array(tier.requests[item * resourceCount..<(item + 1) * resourceCount])
    let frontier = frontier(step, potential, lightest: arcs == nil ? Self.lightShare * spread : -1)
    let profit = potential.profit[item]
    let charged = potential.charged
    let digits = completion.open[step + 1].filter { $0.item != item }
    let ownRadix = completion.ownRadix[step]
    let roomed = completion.resource
    let rest = completion.rest(after: step)
    let room = arcs == nil ? max(2 * request.width, 1024) : .max

    var dropped = -Double.infinity
    var stepFloor = request.floor
    following.count = 0
    if competing { following.clearBuckets(for: min(room, current.count * (limit + 1))) }
    var others = Array(repeating: 0.0, count: ties.count)

    for label in 0..<current.count {
      if label % Self.labelsBetweenLooks == Self.labelsBetweenLooks - 1 && arcs == nil && budget.isSpent {
        for other in label..<current.count { dropped = max(dropped, current.bound(other)) }
        break
      }
      if following.count + limit + 1 > room {
        let highest = following.shrink(to: request.width)
        dropped = max(dropped, highest)
        stepFloor = max(stepFloor, highest)
        if competing { readmit(frontier) }
      }
      following.reserve(following.count + limit + 1)
      let from = current.records + label * stride
      let parentBound = Double(bitPattern: from[LabelLayer.bound])
      let parentBase = Double(bitPattern: from[LabelLayer.base])
      var most = limit
      for (i, tie) in ties.enumerated() {
        let count = current.count(label, tie.field)
        others[i] = Double(count) * tie.part
        if tie.isConflict && count > 0 { most = 0 }
      }
      var state = 0
      for digit in digits { state += current.count(label, digit.field) * digit.radix }

      counts: for count in 0...most {
        let part = Double(count) * ownPart
        var free: Int64 = 0
        if let roomed {
          free = group.capacity[roomed] - current.load(label, roomed) - Int64(count) * requests[roomed]
          if free < 0 { break }
        }
        var base = parentBase + profit * Double(count)
        for (i, tie) in ties.enumerated() {
          let surplus = others[i] - part
          base -= max(tie.otherShare * surplus, -tie.ownShare * surplus)
          base += tie.kept * min(others[i], part)
        }
        let bound = min(
          base + charged + rest.worth(state: state + count * ownRadix, room: free), parentBound)
        if bound <= stepFloor {
          dropped = max(dropped, bound)
          continue
        }
        let to = following.records + following.count * stride
        for k in 0..<resourceCount {
          let load = Int64(bitPattern: from[LabelLayer.load + k]) + Int64(count) * requests[k]
          if load > group.capacity[k] { break counts }
          to[LabelLayer.load + k] = UInt64(bitPattern: load)
        }
        to[LabelLayer.bound] = bound.bitPattern
        to[LabelLayer.base] = base.bitPattern
        for word in following.words..<stride { to[word] = from[word] }
        to[ownWord] |= UInt64(count) << own.shift
        labels += 1
        let better = competing ? following.admit(frontier) : nil
        if let arcs {
          var worth = -request.prices[item] * Double(count)
          for (i, tie) in ties.enumerated() {
            worth += (tie.ownShare + tie.otherShare + tie.kept) * min(others[i], part)
          }
          arcs.pointee.targets[label * (limit + 1) + count] = Int32(truncatingIfNeeded: better ?? following.count)
          arcs.pointee.worth[label * (limit + 1) + count] = worth
        }
        if better == nil { following.count += 1 }
      }
    }
    return dropped
  }

  /// What labels of a step have to agree on; items whose open edges gain no more than `lightest` are left out.
  private func frontier(_ step: Int, _ potential: Potential, lightest: Double) -> Frontier {
    var frontier = Frontier(
      mask: layout.frontier[step * layout.wordCount..<(step + 1) * layout.wordCount],
      capacityPrice: potential.multipliers.capacityPrice)
    var promise: [Int: (promise: Double, gain: Double)] = [:]
    for (e, edge) in tier.edges.enumerated() {
      let isDecided = (u: layout.position[edge.u] <= step, v: layout.position[edge.v] <= step)
      guard isDecided.u != isDecided.v else { continue }
      let item = isDecided.u ? edge.u : edge.v
      let share =
        completion.isKept[e]
        ? 0 : isDecided.u ? potential.multipliers.shareOfU[e] : edge.gain - potential.multipliers.shareOfU[e]
      promise[item, default: (0, 0)].promise += share / Double(tier.replicas[item])
      promise[item, default: (0, 0)].gain += edge.gain / Double(tier.replicas[item])
    }
    let clashing = Set(tier.conflicts.flatMap { [$0, $1] })
    for (item, open) in promise.sorted(by: { $0.key < $1.key }) where !clashing.contains(item) {
      guard open.gain * Double(group.limits[item]) <= lightest else { continue }
      let field = layout.fields[item]
      frontier.mask[field.word] &= ~(field.mask << field.shift)
      frontier.light.append(Frontier.Light(field: field, promise: open.promise, gain: open.gain))
    }
    return frontier
  }

  private func tie(of item: Int, _ relation: PatternLayout.Relation, _ potential: Potential) -> Tie {
    let part = 1 / Double(tier.replicas[relation.other])
    let field = layout.fields[relation.other]
    guard let e = relation.edge else {
      return Tie(field: field, ownShare: 0, otherShare: 0, part: part, isConflict: true, kept: 0)
    }
    if completion.isKept[e] {
      return Tie(field: field, ownShare: 0, otherShare: 0, part: part, isConflict: false, kept: tier.edges[e].gain)
    }
    let shareOfU = potential.multipliers.shareOfU[e]
    let shareOfV = tier.edges[e].gain - shareOfU
    let isU = tier.edges[e].u == item
    return Tie(
      field: field, ownShare: isU ? shareOfU : shareOfV, otherShare: isU ? shareOfV : shareOfU, part: part,
      isConflict: false, kept: 0)
  }

  /// Puts the labels that are left back into buckets.
  private func readmit(_ frontier: borrowing Frontier) {
    let count = following.count
    following.clearBuckets(for: 2 * count)
    following.count = 0
    while following.count < count {
      _ = following.admit(frontier)
      following.count += 1
    }
  }

  private func collect(_ request: Request, _ outcome: inout Outcome) {
    var found: [Outcome.Found] = []
    for label in 0..<current.count {
      let counts = (0..<tier.itemCount).map { Int32(current.count(label, layout.fields[$0])) }
      var worth = tier.gain(counts)
      for item in 0..<tier.itemCount { worth -= request.prices[item] * Double(counts[item]) }
      outcome.bound = max(outcome.bound, worth)
      if worth > request.floor { found.append(Outcome.Found(counts: counts, worth: worth)) }
    }
    found.sort { $0.worth > $1.worth }
    outcome.patterns = Array(found.prefix(request.keep))
  }

  // MARK: Listing

  /// Lists all patterns that are worth more than a floor; nil where there are more than `most`, where the search for
  /// them is too wide, or the budget is spent.
  ///
  /// A first pass searches as for the best pattern, but where a label gives way to a better one it leaves an arc to it.
  /// Backwards along the arcs goes what each label can still gain at most; with that a second pass finds the patterns
  /// and hardly anything else.
  func list(
    prices: [Double], floor: Double, most: Int, _ budget: WorkBudget
  ) throws(PlacementError) -> PatternList? {
    let request = Request(prices: prices, floor: floor, width: .max, keep: 0)
    let (potential, value) = try relax(request, budget)
    start(value)
    var steps: [Arcs] = []
    var arcCount = 0
    for step in layout.order.indices {
      let choices = group.limits[layout.order[step]] + 1
      arcCount += current.count * choices
      guard arcCount <= Self.mostArcs, !budget.isSpent else { return nil }
      var arcs = Arcs(
        choices: choices,
        targets: Array(repeating: -1, count: current.count * choices),
        worth: Array(repeating: 0, count: current.count * choices))
      labels = 0
      _ = expand(step, request, potential, budget, competing: true, arcs: &arcs)
      budget.spend(labels)
      let places = following.places(afterRemovalUpTo: floor)
      for i in arcs.targets.indices where arcs.targets[i] >= 0 { arcs.targets[i] = places[Int(arcs.targets[i])] }
      following.remove(upTo: floor)
      steps.append(arcs)
      swap(&current, &following)
    }

    var rest: [[Double]] = [Array(repeating: 0, count: current.count)]
    for arcs in steps.reversed() {
      let after = rest[rest.count - 1]
      rest.append(
        (0..<arcs.targets.count / arcs.choices).map { label in
          var best = -Double.infinity
          for arc in label * arcs.choices..<(label + 1) * arcs.choices where arcs.targets[arc] >= 0 {
            best = max(best, arcs.worth[arc] + after[Int(arcs.targets[arc])])
          }
          return best
        })
    }
    rest.reverse()

    var list = PatternList(layout)
    var words = Array(repeating: UInt64(0), count: layout.wordCount)
    var loads = Array(repeating: Array(repeating: Int64(0), count: tier.resourceCount), count: steps.count + 1)
    let resourceCount = tier.resourceCount
    func walk(_ step: Int, _ label: Int, _ worth: Double) -> Bool {
      if step == steps.count {
        var gain = worth
        for item in 0..<tier.itemCount {
          let field = layout.fields[item]
          gain += prices[item] * Double((words[field.word] >> field.shift) & field.mask)
        }
        list.append(words, gain: gain)
        return list.count <= most
      }
      let item = layout.order[step]
      let field = layout.fields[item]
      let arcs = steps[step]
      defer { words[field.word] &= ~(field.mask << field.shift) }
      for count in 0..<arcs.choices {
        let arc = label * arcs.choices + count
        guard arcs.targets[arc] >= 0 else { continue }
        let target = Int(arcs.targets[arc])
        let reached = worth + arcs.worth[arc]
        guard reached + rest[step + 1][target] > floor else { continue }
        var fits = true
        for k in 0..<resourceCount {
          loads[step + 1][k] = loads[step][k] + Int64(count) * tier.requests[item * resourceCount + k]
          fits = fits && loads[step + 1][k] <= group.capacity[k]
        }
        guard fits else { break }
        words[field.word] = words[field.word] & ~(field.mask << field.shift) | UInt64(count) << field.shift
        guard walk(step + 1, target, reached) else { return false }
      }
      return true
    }
    guard rest[0].isEmpty || walk(0, 0, 0) else { return nil }
    return list
  }
}
