/// Searches by short annealings, each from nothing, and makes new placements of what they found together with all that
/// was found before.
final class RecombinationMember: Portfolio.Member {
  private let problem: Problem
  private let seed: UInt64
  private let suits: Bool
  private var search: LocalSearch?
  private var recombination: Recombination?
  /// How often in a row nothing came out that keeps all constraints.
  private var failures = 0
  private var isOver = false

  /// Before, annealing alone gains more. Later, this and annealing on its own share a worker by so much to one.
  private static let firstCycle = 6
  private static let share = 3.0
  /// The part of each annealing's time that is for recombining.
  private static let recombining = 0.4
  /// After so many failures annealing on its own has all the time.
  private static let mostFailures = 3
  /// A linear program takes as long as some thousand proposals.
  private static let price = 20_000

  init(_ problem: Problem, seed: UInt64) {
    self.problem = problem
    self.seed = seed ^ 0x7EC0_3B1E
    suits = Recombination.suits(problem)
  }

  var phase: String { "recombination" }

  func share(inCycle cycle: Int) -> Double { suits && !isOver && cycle >= Self.firstCycle ? Self.share : 0 }

  func work(_ slice: WorkSlice, cycle: Int, best: Portfolio.Best) -> Portfolio.Finding {
    do {
      return Portfolio.Finding(
        assignment: try recombine(slice, annealings: 1 << min(cycle - Self.firstCycle, 20), best))
    } catch {
      // A numerical failure inside GLPK says nothing about the placement; the other members go on.
      isOver = true
      return Portfolio.Finding()
    }
  }

  private func recombine(
    _ slice: WorkSlice, annealings: Int, _ best: Portfolio.Best
  ) throws(PlacementError) -> Assignment? {
    if recombination == nil {
      search = LocalSearch(problem, from: best.assignment, seed: seed, packsFillers: true, mayBreak: false)
      recombination = try Recombination(problem)
    }
    guard let search, let recombination else { return nil }
    try recombination.add(best.assignment)
    var slice = slice
    var found: (assignment: Assignment, evaluation: Evaluation)?
    func take(_ assignment: Assignment?) {
      guard let assignment else { return }
      let evaluation = problem.evaluate(assignment)
      guard evaluation.objective < (found?.evaluation ?? best.evaluation).objective else { return }
      found = (assignment, evaluation)
    }
    for number in 1...annealings {
      var annealing = slice.rest(upTo: (Double(number) - Self.recombining) / Double(annealings))
      let annealed = search.run(&annealing, from: best.assignment, isHot: true, keepsIncumbent: false)
      slice.spend(annealing.spent)
      guard slice.fraction() != nil else { break }
      var recombined: Assignment?
      if let annealed {
        take(annealed)
        try recombination.add(annealed)
        let budget = WorkBudget { [slice] in slice.fraction() == nil }
        let utilization = (found?.evaluation ?? best.evaluation).peakUtilization
        recombined = try recombination.recombine(upTo: utilization, budget)
        slice.spend(budget.spent * Self.price)
        take(recombined)
        guard slice.fraction() != nil else { break }
      }
      failures = recombined == nil ? failures + 1 : 0
      isOver = failures >= Self.mostFailures
      if isOver { break }
    }
    return found?.assignment
  }
}
