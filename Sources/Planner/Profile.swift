package import Placement

/// How a plan trades traffic against balance: what a peak utilization of 1 costs, in units of the plan's whole traffic.
///
/// The unit makes a profile mean the same in every cluster: with weight 0.2 the planner gives up a localized share of
/// 2 points to bring the fullest node down by 10.
package enum Profile: String, CaseIterable, Hashable, Sendable {
  /// Traffic alone counts.
  case traffic
  /// Traffic counts most, and the fullest node some.
  case balanced
  /// The fullest node counts most; among equally full placements the one with the least traffic wins.
  case utilization

  /// λ in units of `Σ_e t_e · step(node)`.
  package var weight: Double {
    switch self {
    case .traffic: 0
    case .balanced: 0.2
    case .utilization: 5
    }
  }
}

extension Problem {
  /// What all traffic would cost if it left its node but not its zone: the unit of λ and μ on the command line.
  package var trafficCost: Double {
    weights.leavingNode * edges.reduce(0) { $0 + $1.traffic }
  }
}
