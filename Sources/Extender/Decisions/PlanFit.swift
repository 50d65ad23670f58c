/// How a pod and the nodes that are offered for it stand to the plan.
package enum PlanFit: Hashable, Sendable {
  /// The plan does not speak of the pod's workload, or the pod belongs to none.
  case unplanned
  /// As many replicas run as the plan places, or more: it has no room for another.
  case full
  /// The plan has room, and a node where it has is offered.
  case offered
  /// The plan has room, but no node where it has is offered: the scheduler found them unfit, or did not look at them.
  case absent
  /// The scheduler has not asked: it could not reach the extender, or one node alone was left to it.
  case unasked
}

/// How well each of the offered nodes suits a pod.
package struct NodeScores: Sendable {
  /// The highest score.
  package static let highest = 10

  /// From 0 to ``highest``, in the order of the nodes.
  package internal(set) var scores: [UInt8]
  /// How the pod and the nodes stand to the plan.
  package internal(set) var fit: PlanFit
}
