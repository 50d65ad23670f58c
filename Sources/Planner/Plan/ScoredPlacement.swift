package import Placement

/// Any placement with its figures, whether it keeps all constraints or not: what runs now, or a plan of anybody's.
///
/// Figures of traffic speak of the edges whose two ends have replicas.
package struct ScoredPlacement: Sendable {
  /// The problem as far as the placement goes: each workload with as many replicas as are placed.
  package let problem: Problem
  /// The placement.
  package let assignment: Assignment
  /// Its figures.
  package let evaluation: Evaluation
  /// The constraints that it breaks, a sentence each.
  package let violations: [String]
  /// What is to be known of the input and of the figures.
  package let warnings: [String]

  private let input: PlanInput

  /// Scores what runs now.
  ///
  /// - Throws: ``PlanningError/Code/badCluster`` where nothing does.
  package init(running input: PlanInput) throws(PlanningError) {
    guard input.problem.current.contains(where: { $0 != nil }) else {
      throw PlanningError(
        code: .badCluster,
        message: "no pod of a planned workload runs on a node: the cluster files need the pods too, or give a plan"
      )
    }
    let running = Assignment(placed: input.problem.current.map { $0 ?? [] })
    self.init(input, running, before: Array(repeating: nil, count: running.placed.count))
  }

  /// Scores a plan against what runs now, where anything does.
  ///
  /// - Throws: ``PlanningError/Code/badPlan`` where the plan does not fit the cluster.
  package init(_ plan: PlacementPlan, file: String, on input: PlanInput) throws(PlanningError) {
    let assignment = try plan.assignment(for: input.problem, references: input.references, file: file)
    self.init(input, assignment, before: input.problem.current)
  }

  private init(_ input: PlanInput, _ assignment: Assignment, before: [[Problem.Placed]?]) {
    var problem = input.problem
    let replicas = assignment.placed.map { $0.reduce(0) { $0 + $1.replicas } }
    for w in replicas.indices { problem.workloads[w].replicas = replicas[w] }
    problem.edges.removeAll { replicas[$0.u] == 0 || replicas[$0.v] == 0 }
    problem.current = before

    let all = input.problem.edges.reduce(0) { $0 + $1.traffic }
    let covered = problem.edges.reduce(0) { $0 + $1.traffic }
    var warnings = input.warnings
    if problem.edges.count < input.problem.edges.count {
      let share = ((1 - covered / all) * 1000).rounded() / 10
      warnings.append("\(share) % of the traffic has an end without replicas here; the figures leave it out")
    }
    problem.combineTraffic()
    self.problem = problem
    self.assignment = assignment
    self.evaluation = problem.evaluate(assignment)
    self.violations = input.problem.sentences(onViolationsOf: assignment)
    self.warnings = warnings
    self.input = input
  }

  /// The placement as a document, with its figures and without a bound.
  package func document(name: String) -> PlacementPlan {
    PlacementPlan(
      name: name,
      problem: input.problem,
      references: input.references,
      assignment: assignment,
      evaluation: evaluation
    )
  }
}
