import Model

/// Searches a problem with so many replicas that there is time for one good annealing, not for a portfolio.
///
/// A short annealing comes first, so that there is a good placement early; all the rest of the budget goes into one slow
/// one. Both are shared by the threads (see ``RegionalSearch``).
final class LargeSearch {
  private let problem: Problem
  private let options: SolverOptions
  private let context: SolverContext
  private var assignment: Assignment
  private var evaluation: Evaluation
  private let lowerBound: Double
  private var search: RegionalSearch
  private var packsFillers = true

  /// Temperatures as multiples of the change that proposals make at first.
  private static let cold = 0.0005

  /// Starts from a feasible placement.
  init(_ problem: Problem, _ options: SolverOptions, _ context: SolverContext, start: Assignment) {
    self.problem = problem
    self.options = options
    self.context = context
    assignment = start
    evaluation = problem.evaluate(start)
    lowerBound = min(evaluation.objective, problem.weights.utilization * problem.utilizationFloor)
    search = Self.search(problem, options, start, packsFillers: true)
  }

  /// The search is divided in the same way for any number of threads where the budget is work.
  private static func search(
    _ problem: Problem, _ options: SolverOptions, _ start: Assignment, packsFillers: Bool
  ) -> RegionalSearch {
    RegionalSearch(
      problem, from: start, seed: options.seed, packsFillers: packsFillers,
      searchers: options.effort == nil ? options.threads : 2, isParallel: options.threads > 1)
  }

  /// Searches until the budget is spent.
  func run() -> Solution {
    report("construction")
    var number = 0
    while !isOver, let budget = budget(ofRun: number) {
      let before = evaluation.objective
      anneal(budget)
      number += 1
      if search.fillersFailed && packsFillers {
        packsFillers = false
        search = Self.search(problem, options, assignment, packsFillers: false)
      }
      // Without a limit, runs get longer as long as that pays.
      if options.effort == nil, options.timeLimit == nil, before - evaluation.objective <= 0.001 * before { break }
    }
    return Solution(
      assignment: assignment, evaluation: evaluation, lowerBound: min(lowerBound, evaluation.objective),
      isOptimal: evaluation.objective <= lowerBound)
  }

  private var isOver: Bool {
    if context.isCancelled() || evaluation.objective <= lowerBound { return true }
    guard let limit = options.timeLimit else { return false }
    return context.elapsed() >= limit
  }

  /// How long a run takes, or how much work each searcher does in it; nil where the budget is spent.
  private func budget(ofRun number: Int) -> (time: Duration?, work: Int?)? {
    if let effort = options.effort {
      let work = (2_000 + 50 * search.replicaCount) << (1 + effort)
      return number < 2 ? (nil, number == 0 ? work / 8 : work) : nil
    }
    guard let limit = options.timeLimit else { return (.seconds(1 << min(number, 30)), nil) }
    let left = limit - context.elapsed()
    // Around what runs now there is no need to begin twice.
    return (number == 0 && !problem.movesMatter ? left / 8 : left, nil)
  }

  /// How hot to start: what can be cooled in the time. Fitted on power-law graphs of 2,400 to 50,000 replicas.
  private func hotness(_ budget: (time: Duration?, work: Int?)) -> Double {
    if problem.movesMatter { return 0.3 }
    let proposals = budget.work.map(Double.init) ?? (budget.time ?? .zero) / .seconds(1) * Self.proposalsASecond
    let ofEachReplica = proposals * Double(search.searcherCount) / Double(max(1, search.replicaCount))
    return min(5, max(0.05, ofEachReplica / 2000))
  }

  /// About how many a searcher makes; it only decides how hot to start.
  private static let proposalsASecond = 400_000.0

  private func anneal(_ budget: (time: Duration?, work: Int?)) {
    let rounds = budget.time.map { max(10, min(200, Int(saturating: $0 / .milliseconds(250)))) } ?? 40
    let start = context.elapsed()
    let typical = search.typicalChange()
    let (hot, cold) = (typical * hotness(budget), typical * Self.cold)
    var best = search.snapshot
    var bestCost = search.cost
    for round in 0..<rounds where !isOver {
      let part = 1 / Double(rounds)
      let slice = WorkSlice(
        context, end: budget.time.map { start + $0 * (Double(round + 1) * part) } ?? options.timeLimit,
        work: budget.work.map { $0 / rounds }, isOver: { false })
      @Sendable func cooled(_ fraction: Double) -> Double {
        hot > 0 ? hot * power(cold / hot, (Double(round) + fraction) * part) : 0
      }
      if problem.movesMatter {
        // The moves that gain most come first, as their number may be limited.
        let price = 2 * cooled(0.5)
        search.round(slice, movePrice: price, isFocused: true) { _ in price * 0.05 }
      } else {
        search.round(slice, movePrice: 0, isFocused: false, temperature: cooled)
      }
      guard search.cost < bestCost else { continue }
      best = search.snapshot
      bestCost = search.cost
      takeUp(best)
    }
    search.restore(best)
  }

  /// Keeps a placement of the members, with the fillers, where it is better than the best.
  private func takeUp(_ snapshot: [Int32]) {
    guard let found = search.complete(snapshot) else { return }
    let figures = problem.evaluate(found)
    guard figures.objective < evaluation.objective, problem.isFeasible(found) else { return }
    assignment = found
    evaluation = figures
    report("local search")
  }

  private func report(_ phase: String) {
    context.progress(
      SolverProgress(
        phase: phase, elapsed: context.elapsed(), objective: evaluation.objective,
        localizedShare: evaluation.localizedShareNode, lowerBound: lowerBound))
  }
}
