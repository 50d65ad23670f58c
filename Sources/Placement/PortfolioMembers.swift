/// Searches by annealing: from hot and from warm in turns, so that members differ.
final class AnnealingMember: Portfolio.Member {
  private let problem: Problem
  private let seed: UInt64
  private let index: Int
  private var search: LocalSearch?

  init(_ problem: Problem, seed: UInt64, index: Int) {
    self.problem = problem
    self.seed = seed &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(index)
    self.index = index
  }

  var phase: String { "local search" }
  var share: Double { 1 }

  func work(_ slice: WorkSlice, cycle: Int, best: Portfolio.Best) -> Portfolio.Finding {
    var slice = slice
    if search?.fillersFailed == true { search = nil }
    let search =
      self.search
      ?? LocalSearch(problem, from: best.assignment, seed: seed, packsFillers: cycle == 0)
    self.search = search
    let isHot = !problem.movesMatter && (cycle + index) % 4 != 3
    return Portfolio.Finding(assignment: search.run(&slice, from: best.assignment, isHot: isHot))
  }
}

/// Proves: raises the lower bound until it meets the best placement.
final class ProofMember: Portfolio.Member {
  private let problem: Problem
  private let isProven: Flag

  init(_ problem: Problem, isProven: Flag) {
    self.problem = problem
    self.isProven = isProven
  }

  var phase: String { "bound" }
  var share: Double { 0 }

  func work(_ slice: WorkSlice, cycle: Int, best: Portfolio.Best) -> Portfolio.Finding {
    Portfolio.Finding()
  }
}
