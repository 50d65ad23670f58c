package import Placement

extension PlacementPlan {
  /// How a plan stands to a problem that may be another than the one that it was made for.
  package struct Standing: Sendable {
    /// Where the plan has the replicas of the problem's workloads, as far as its nodes are there.
    package var assignment: Assignment
    /// Its figures on the problem.
    package var evaluation: Evaluation
    /// The constraints that it breaks, a sentence each: replicas that it does not place are among them.
    package var violations: [String]

    /// Whether it can be followed as it is.
    package var isSound: Bool { violations.isEmpty }
  }

  /// Looks at the plan in the light of a problem. Workloads and nodes that the problem does not have are passed over.
  package func standing(on input: PlanInput) -> Standing {
    let problem = input.problem
    var workloads: [WorkloadReference: Int] = [:]
    var placed = Array(repeating: [Problem.Placed](), count: problem.workloads.count)
    for (w, reference) in input.references.enumerated() {
      if let reference {
        workloads[reference] = w
      } else {
        // An end of traffic that is thought on one node.
        placed[w] = problem.nodes.indices.filter { problem.limit(workload: w, node: $0) > 0 }.prefix(1)
          .map { Problem.Placed(node: $0, replicas: problem.workloads[w].replicas) }
      }
    }
    let nodes = problem.nodesByName
    for placement in spec.placements {
      guard let w = workloads[placement.workload] else { continue }
      placed[w] = placement.nodes.compactMap { share in
        nodes[share.name].map { Problem.Placed(node: $0, replicas: share.replicas) }
      }.sorted { $0.node < $1.node }
    }
    let assignment = Assignment(placed: placed)
    return Standing(
      assignment: assignment,
      evaluation: problem.evaluate(assignment),
      violations: problem.sentences(onViolationsOf: assignment)
    )
  }
}
