import Foundation
import Placement

/// One search for a plan, from what is known now. It blocks the thread that it runs on.
struct PlanSearch: Sendable {
  /// What a search came to.
  struct Outcome: Sendable {
    /// The plan that is to stand, with its figures.
    var plan: PlacementPlan
    var choice: PlanChoice
  }

  let configuration: PlanController.Configuration
  let input: PlanInput
  /// The plan that stands, and how; nil where there is none that can be read.
  let current: (plan: PlacementPlan, standing: PlacementPlan.Standing)?

  /// Searches from the plan that stands, and chooses between the two.
  ///
  /// Throws `PlacementError` where there is no placement.
  func run(isCancelled: @escaping @Sendable () -> Bool) throws -> Outcome {
    let problem = input.problem
    let clock = ContinuousClock()
    let start = clock.now
    let conflicts = input.conflicts()
    guard conflicts.isEmpty else {
      throw PlacementError(
        code: .infeasible, message: "no placement satisfies all constraints:", conflicts: conflicts)
    }
    let context = SolverContext(elapsed: { clock.now - start }, isCancelled: isCancelled)
    let found = try problem.solve(configuration.solver, context, from: current?.standing.assignment)
    let elapsed = clock.now - start
    let choice = PlanChoice(
      found: found.evaluation.objective, current: current?.standing, on: problem,
      minimumGain: configuration.minimumGain)
    guard choice == .keep, let current else {
      return Outcome(plan: plan(found, elapsed, planned: Self.now), choice: choice)
    }
    let standing = current.standing
    let kept = Solution(
      assignment: standing.assignment, evaluation: standing.evaluation, lowerBound: found.lowerBound,
      isOptimal: found.isOptimal && standing.evaluation.objective <= found.evaluation.objective)
    var plan = plan(kept, elapsed, planned: current.plan.status?.planned)
    plan.spec = current.plan.spec
    return Outcome(plan: plan, choice: choice)
  }

  /// The plan that stands with today's figures, where no other could be found; nil where there is none.
  func currentPlan() -> PlacementPlan? {
    guard let current else { return nil }
    var plan = PlacementPlan(
      name: configuration.name, problem: input.problem, references: input.references,
      assignment: current.standing.assignment, evaluation: current.standing.evaluation)
    plan.spec = current.plan.spec
    plan.status?.planned = current.plan.status?.planned
    plan.status?.checked = Self.now
    return plan
  }

  private func plan(_ solution: Solution, _ elapsed: Duration, planned: String?) -> PlacementPlan {
    var plan = PlacementPlan(
      name: configuration.name, problem: input.problem, references: input.references,
      search: PlacementPlan.Search(solution: solution, elapsed: elapsed, seed: configuration.solver.seed))
    plan.status?.planned = planned
    plan.status?.checked = Self.now
    return plan
  }

  private static var now: String { Date.now.formatted(.iso8601) }
}
