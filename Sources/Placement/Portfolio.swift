import Foundation
internal import Model
import Synchronization

/// The portfolio: members that search and prove side by side, cycle by cycle, and tell each other what they found.
///
/// In a cycle every member works on a slice of its own, from the best placement at the cycle's start; at its end the
/// results are merged in the members' order. So a run that is limited by work is repeatable, whatever the threads do.
/// Each cycle is twice as long as the one before: the best placement of a short run comes soon, and a long run spends
/// most of its time on one slow, good annealing.
final class Portfolio: Sendable {
  /// What all members know.
  struct Best: Sendable {
    var assignment: Assignment
    var evaluation: Evaluation
    var lowerBound: Double
    var isOptimal = false
  }

  /// What a member says at the end of its slice.
  struct Finding: Sendable {
    var assignment: Assignment?
    var lowerBound = -Double.infinity
    /// Whether the better of `assignment` and the cycle's incumbent is proven optimal.
    var isOptimal = false
  }

  /// One way to search or prove. Its `work` is called on the same thread in every cycle.
  protocol Member: AnyObject {
    /// What the member does, for the progress line.
    var phase: String { get }
    /// How much of its worker's time the member asks for in a cycle, beside members that ask for 1; 0 for none.
    func share(inCycle cycle: Int) -> Double
    func work(_ slice: WorkSlice, cycle: Int, best: Best) -> Finding
  }

  private let problem: Problem
  private let options: SolverOptions
  private let context: SolverContext
  private let best: Mutex<Best>
  /// Set by the member that proves; the others then stop within their slices.
  private let isProven = Flag()
  private let lastReport = Mutex(Duration.zero)
  /// The lower bound on its way, within a cycle: for reports alone, so that nothing else depends on the clock.
  private let risingBound = Mutex(-Double.infinity)

  private let firstWork: Int
  private static let firstLength = Duration.milliseconds(50)
  /// A cycle that does not improve by this share does not improve.
  private static let improvement = 1e-6
  /// So many cycles in a row without improvement end a search that need not prove.
  private static let patience = 4

  /// Makes a portfolio that starts from a feasible placement.
  init(_ problem: Problem, _ options: SolverOptions, _ context: SolverContext, start: Assignment) {
    self.problem = problem
    self.options = options
    self.context = context
    let evaluation = problem.evaluate(start)
    best = Mutex(
      Best(
        assignment: start, evaluation: evaluation,
        lowerBound: min(evaluation.objective, problem.weights.utilization * problem.utilizationFloor)))
    firstWork = 20_000 + 50 * problem.workloads.reduce(0) { $0 + $1.replicas }
  }

  /// Searches until the budget is spent, the placement is proven, or nothing improves any more.
  func run() -> Solution {
    report("construction")
    let workerCount = max(1, options.threads)
    // Limited by work, the members are always as many, so that the plan does not depend on the threads.
    let searcherCount = options.effort == nil ? workerCount : 2
    let gate = CycleGate(workers: workerCount)
    for worker in 1..<max(2, workerCount) where worker < workerCount {
      let thread = Thread {
        var members = self.members(of: worker, workers: workerCount, searchers: searcherCount)
        var cycle = -1
        while let order = gate.nextOrder(after: cycle) {
          cycle = order.cycle
          gate.finish(self.work(&members, order))
        }
      }
      thread.stackSize = 64 << 20
      thread.name = "tonari-search-\(worker)"
      thread.start()
    }
    var members = members(of: 0, workers: workerCount, searchers: searcherCount)
    var stale = 0
    var cycle = 0
    while !isOver, let budget = budget(ofCycle: cycle) {
      let before = best.withLock { $0 }
      let order = CycleGate.Order(cycle: cycle, end: budget.end, work: budget.work, best: before)
      gate.begin(order)
      merge(work(&members, order) + gate.collect())
      let after = best.withLock { $0 }
      report("search")
      let gained = before.evaluation.objective - after.evaluation.objective
      stale = gained > Self.improvement * abs(before.evaluation.objective) ? 0 : stale + 1
      if stale >= Self.patience && !options.prove && options.effort == nil { break }
      cycle += 1
    }
    gate.close()
    return best.withLock { best in
      Solution(
        assignment: best.assignment, evaluation: best.evaluation,
        lowerBound: best.isOptimal ? best.evaluation.objective : min(best.lowerBound, best.evaluation.objective),
        isOptimal: best.isOptimal)
    }
  }

  // MARK: Budget

  private var isOver: Bool {
    if context.isCancelled() || best.withLock({ $0.isOptimal }) { return true }
    guard let limit = options.timeLimit else { return false }
    return context.elapsed() >= limit
  }

  /// When a cycle ends, or after how much work; nil where the budget is spent.
  private func budget(ofCycle cycle: Int) -> (end: Duration?, work: Int?)? {
    let doubling = min(cycle, 30)
    if let effort = options.effort {
      guard cycle < 2 + effort || options.prove else { return nil }
      return (options.timeLimit, firstWork << doubling)
    }
    let now = context.elapsed()
    let length = Self.firstLength * (1 << doubling)
    guard let limit = options.timeLimit else { return (now + length, nil) }
    // A last cycle takes all that is left, rather than leave a rest too short for anything.
    return (limit - now < length * 3 ? limit : now + length, nil)
  }

  // MARK: Members

  private func members(of worker: Int, workers: Int, searchers: Int) -> [(index: Int, member: any Member)] {
    var all: [(Int, any Member)] = []
    // A proof comes first, as it is what can end the search. The two kinds share the first and the last worker.
    let (problem, isProven, seed) = (problem, isProven, options.seed)
    if worker == 0 {
      all.append((searchers + 2, ModelProofMember(problem, isProven: isProven)))
      all.append((searchers + 3, SeparateMember { RecombinationMember(problem, seed: seed) }))
    }
    if worker == workers - 1 {
      let onBound: @Sendable (Double) -> Void = { bound in self.risingBound.withLock { $0 = max($0, bound) } }
      all.append((searchers, SeparateMember { PatternProofMember(problem, isProven: isProven, onBound: onBound) }))
      all.append((searchers + 1, SubproblemMember(problem, seed: seed)))
    }
    for index in 0..<searchers where index % workers == worker {
      all.append((index, AnnealingMember(problem, seed: seed, index: index)))
    }
    return all
  }

  private func work(
    _ members: inout [(index: Int, member: any Member)], _ order: CycleGate.Order
  ) -> [CycleGate.Result] {
    var results: [CycleGate.Result] = []
    for (position, entry) in members.enumerated() {
      let share = entry.member.share(inCycle: order.cycle)
      guard share > 0 else { continue }
      // A member may take long to begin.
      if let limit = options.timeLimit, context.elapsed() >= limit { break }
      var end = order.end
      if order.work == nil, let last = order.end {
        // The members that are still to come on this worker divide what is left of the cycle.
        let now = context.elapsed()
        let rest = members[position...].reduce(0) { $0 + $1.member.share(inCycle: order.cycle) }
        end = now + (last - now) * (share / rest)
      }
      let phase = entry.member.phase
      let slice = WorkSlice(context, end: end, work: order.work) {
        self.reportNowAndThen(phase)
        return self.isProven.isSet
      }
      results.append((entry.index, entry.member.work(slice, cycle: order.cycle, best: order.best)))
    }
    return results
  }

  private func merge(_ results: [CycleGate.Result]) {
    let proof = results.first { $0.finding.isOptimal }
    best.withLock { best in
      for (_, finding) in results.sorted(by: { $0.index < $1.index }) {
        best.lowerBound = max(best.lowerBound, finding.lowerBound)
        // Where one member proved, the others were cut off; what they had by then depends on the clock.
        if let proof, !finding.isOptimal, proof.finding.isOptimal { continue }
        guard let assignment = finding.assignment, problem.isFeasible(assignment) else { continue }
        let evaluation = problem.evaluate(assignment)
        if evaluation.objective < best.evaluation.objective {
          best.assignment = assignment
          best.evaluation = evaluation
        }
      }
      if proof != nil { best.isOptimal = true }
    }
  }

  private func reportNowAndThen(_ phase: String) {
    let now = context.elapsed()
    let isDue = lastReport.withLock { last in
      guard now - last >= .milliseconds(100) else { return false }
      last = now
      return true
    }
    if isDue { report(phase) }
  }

  private func report(_ phase: String) {
    let now = best.withLock { $0 }
    let rising = risingBound.withLock { $0 }
    context.progress(
      SolverProgress(
        phase: phase, elapsed: context.elapsed(), objective: now.evaluation.objective,
        localizedShare: now.evaluation.localizedShareNode,
        lowerBound: min(max(now.lowerBound, rising), now.evaluation.objective)))
  }
}

/// A flag that is set once.
final class Flag: Sendable {
  private let value = Atomic(false)

  var isSet: Bool { value.load(ordering: .relaxed) }

  func set() { value.store(true, ordering: .relaxed) }
}
