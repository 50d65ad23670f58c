internal import Model

/// Searches by annealing, in another way from cycle to cycle, so that members differ.
final class AnnealingMember: Portfolio.Member {
  private let problem: Problem
  private let seed: UInt64
  private let index: Int
  private var packsFillers = true
  private var strict: LocalSearch?
  private var lenient: LocalSearch?

  init(_ problem: Problem, seed: UInt64, index: Int) {
    self.problem = problem
    self.seed = seed &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(index)
    self.index = index
  }

  var phase: String { "local search" }
  func share(inCycle cycle: Int) -> Double { 1 }

  func work(_ slice: WorkSlice, cycle: Int, best: Portfolio.Best) -> Portfolio.Finding {
    var slice = slice
    let turn = (cycle + index) % 4
    let search = search(from: best.assignment, mayBreak: turn == 1)
    // Where replicas run already, what is near is worth more than what is far.
    let isHot = !problem.movesMatter && turn != 3
    let assignment = search.run(&slice, from: best.assignment, isHot: isHot)
    if search.fillersFailed && packsFillers {
      packsFillers = false
      (strict, lenient) = (nil, nil)
    }
    return Portfolio.Finding(assignment: assignment)
  }

  private func search(from start: Assignment, mayBreak: Bool) -> LocalSearch {
    if let known = mayBreak ? lenient : strict { return known }
    let search = LocalSearch(
      problem, from: start, seed: mayBreak ? ~seed : seed, packsFillers: packsFillers, mayBreak: mayBreak)
    if mayBreak { lenient = search } else { strict = search }
    return search
  }
}

/// Proves by branch and bound in GLPK on the whole problem, where that is small.
final class ModelProofMember: Portfolio.Member {
  private let problem: Problem
  private let isProven: Flag
  private let proof: ModelProof
  private var isOver = false

  /// Before, node patterns prove most of what is small.
  private static let firstCycle = 2
  /// Replica counts beyond which GLPK proves nothing in any sensible time.
  private static let largest = 400
  /// A subproblem of branch and bound takes as long as some hundred proposals.
  private static let price = 500

  init(_ problem: Problem, isProven: Flag) {
    self.problem = problem
    self.isProven = isProven
    proof = ModelProof(problem)
  }

  var phase: String { "branch and bound" }

  func share(inCycle cycle: Int) -> Double {
    !isOver && cycle >= Self.firstCycle && problem.workloads.count * problem.nodes.count <= Self.largest ? 4 : 0
  }

  func work(_ slice: WorkSlice, cycle: Int, best: Portfolio.Best) -> Portfolio.Finding {
    do {
      let outcome = try proof.run(
        nodes: slice.work.map { max(10, $0 / Self.price) }, suggestion: best.assignment,
        isOver: { slice.fraction() == nil })
      // There is a placement; GLPK says otherwise only where its numbers went bad.
      isOver = outcome.isOptimal || outcome.isInfeasible
      if outcome.isInfeasible { return Portfolio.Finding() }
      if outcome.isOptimal { isProven.set() }
      return Portfolio.Finding(
        assignment: outcome.assignment, lowerBound: outcome.lowerBound, isOptimal: outcome.isOptimal)
    } catch {
      // A numerical failure inside GLPK says nothing about the placement; the other members go on.
      isOver = true
      return Portfolio.Finding()
    }
  }
}

/// Improves by GLPK: takes up a few nodes between which traffic crosses, and places what they hold anew, exactly.
///
/// It finds exchanges of many replicas at once that annealing hardly ever proposes, at a price: one sub-problem costs as
/// much as some hundred thousand proposals. So it has a small share, and starts when the easy gains are made.
final class SubproblemMember: Portfolio.Member {
  private let problem: Problem
  private var random: SeededGenerator

  private static let firstCycle = 2
  private static let nodeLimit = 100

  init(_ problem: Problem, seed: UInt64) {
    self.problem = problem
    random = SeededGenerator(seed: seed ^ 0x5DEE_CE66)
  }

  var phase: String { "sub-problems" }

  func share(inCycle cycle: Int) -> Double {
    cycle >= Self.firstCycle && problem.nodes.count > 1 && !problem.edges.isEmpty ? 0.1 : 0
  }

  func work(_ slice: WorkSlice, cycle: Int, best: Portfolio.Best) -> Portfolio.Finding {
    var slice = slice
    var assignment = best.assignment
    var crossing = crossingTraffic(best.evaluation)
    // A sub-problem takes as long as some hundred thousand proposals, and has a tenth of their share.
    let price = 3_000_000
    while slice.fraction() != nil {
      slice.spend(price)
      let nodes = neighbouringNodes(assignment, crossing)
      guard nodes.count > 1 else { break }
      // Where GLPK gives up on a sub-problem, the placement simply stays as it is.
      let isOver = { slice.work == nil && slice.fraction() == nil }
      guard
        let improved = try? problem.improved(
          assignment, on: nodes, nodeLimit: Self.nodeLimit, shouldStop: isOver)
      else { continue }
      assignment = improved
      crossing = crossingTraffic(problem.evaluate(improved))
    }
    return Portfolio.Finding(assignment: assignment)
  }

  private func crossingTraffic(_ evaluation: Evaluation) -> [Double] {
    problem.edges.indices.map { e in
      problem.edges[e].traffic
        * (problem.weights.leavingNode * (1 - evaluation.localShareOfEdge[e])
          + problem.weights.leavingZone * (1 - evaluation.zoneShareOfEdge[e]))
    }
  }

  /// Two or three nodes that hold the ends of edges with much crossing traffic.
  private func neighbouringNodes(_ assignment: Assignment, _ crossing: [Double]) -> [Int] {
    let total = crossing.reduce(0, +)
    guard total > 0 else { return [] }
    let wanted = min(problem.nodes.count, 2 + random.below(2))
    var nodes = Set<Int>()
    for _ in 0..<20 where nodes.count < wanted {
      var point = random.unit() * total
      let e = crossing.firstIndex { cost in
        point -= cost
        return point < 0
      }
      guard let e else { continue }
      for w in [problem.edges[e].u, problem.edges[e].v] where nodes.count < wanted {
        let placed = assignment.placed[w]
        nodes.insert(placed[random.below(placed.count)].node)
      }
    }
    return nodes.sorted()
  }
}

/// Proves by node patterns: column generation, and where the gap is small the best choice among all patterns that could
/// still matter.
final class PatternProofMember: Portfolio.Member {
  private let problem: Problem
  private let isProven: Flag
  private let onBound: @Sendable (Double) -> Void
  private var bound: PatternBound?
  private var isExhausted = false

  /// How many labels of the pattern search take as long as one proposal.
  private static let price = 2
  private static let small = 1500

  /// - Parameter onBound: hears of the lower bound again and again while it rises.
  init(_ problem: Problem, isProven: Flag, onBound: @escaping @Sendable (Double) -> Void) {
    self.problem = problem
    self.isProven = isProven
    self.onBound = onBound
  }

  var phase: String { "bound" }

  func share(inCycle cycle: Int) -> Double {
    if isExhausted { return 0 }
    // Annealing is soon done with a small problem; then time is better spent on the proof.
    return problem.workloads.count * problem.nodes.count <= Self.small ? 10 : 0.7
  }

  func work(_ slice: WorkSlice, cycle: Int, best: Portfolio.Best) -> Portfolio.Finding {
    do {
      let bound = try self.bound ?? PatternBound(problem)
      self.bound = bound
      let budget = WorkBudget(work: slice.work.map { $0 * Self.price }) { [onBound] in
        onBound(bound.lowerBound)
        return slice.fraction() == nil
      }
      let finding = try bound.run(from: best.assignment, budget)
      isExhausted = finding.isExhausted
      if finding.isOptimal { isProven.set() }
      return Portfolio.Finding(
        assignment: finding.assignment, lowerBound: finding.lowerBound, isOptimal: finding.isOptimal)
    } catch {
      // A numerical failure inside GLPK says nothing about the placement; the other members go on.
      isExhausted = true
      return Portfolio.Finding()
    }
  }
}
