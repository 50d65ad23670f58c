package import Placement

/// Which of two plans is to stand.
package enum PlanChoice: Hashable, Sendable {
  /// The one that stands.
  case keep
  /// The one that was found, which wins so much of the objective; nil where the other cannot be followed, or is not
  /// there.
  case replace(gain: Double?)

  /// Chooses. A plan is never replaced by a worse one, as long as it can be followed.
  ///
  /// - Parameters:
  ///   - found: the objective of the plan that was found.
  ///   - current: the plan that stands, on the same problem; nil where there is none.
  ///   - problem: the problem. A plan that moves more than it allows by now cannot be followed.
  ///   - minimumGain: the share of the objective that another plan must win: moving pods has its price.
  package init(found: Double, current: PlacementPlan.Standing?, on problem: Problem, minimumGain: Double) {
    guard let current, current.canBeFollowed(on: problem) else {
      self = .replace(gain: nil)
      return
    }
    let objective = current.evaluation.objective
    let gain = objective > 0 ? (objective - found) / objective : 0
    self = gain > max(0, minimumGain) ? .replace(gain: gain) : .keep
  }
}

extension PlacementPlan.Standing {
  /// Whether the plan can be followed as it is: it breaks nothing, and moves no more replicas than may move.
  func canBeFollowed(on problem: Problem) -> Bool { isSound && problem.isFeasible(assignment) }
}
