import Foundation
package import Placement

extension PlacementPlan {
  /// How a placement was found.
  package struct Search: Sendable {
    /// What the solver answered.
    package var solution: Solution
    /// How long it took.
    package var elapsed: Duration
    /// The seed of its random choices.
    package var seed: UInt64

    /// Makes a record.
    package init(solution: Solution, elapsed: Duration, seed: UInt64) {
      self.solution = solution
      self.elapsed = elapsed
      self.seed = seed
    }
  }

  /// Makes the plan of a solution.
  ///
  /// - Parameters:
  ///   - references: the workload that each workload of the problem is; nil for an end that is no workload of the
  ///     cluster, which the plan leaves out.
  package init(name: String, problem: Problem, references: [WorkloadReference?], search: Search) {
    let solution = search.solution
    self.init(
      name: name,
      problem: problem,
      references: references,
      assignment: solution.assignment,
      evaluation: solution.evaluation
    )
    status?.lowerBound = solution.lowerBound.rounded(digits: Self.digits)
    status?.gap = solution.gap.rounded(digits: Self.digits)
    status?.optimal = solution.isOptimal
    status?.solver = Solver(seconds: (search.elapsed / .seconds(1)).rounded(digits: 4), seed: search.seed)
  }

  /// Makes the plan of any assignment, with its figures and without a bound.
  ///
  /// - Parameters:
  ///   - evaluation: its figures, where they are those of a part of the problem.
  package init(
    name: String,
    problem: Problem,
    references: [WorkloadReference?],
    assignment: Assignment,
    evaluation: Evaluation
  ) {
    let placements = zip(references, assignment.placed).compactMap { reference, placed -> Placement? in
      guard let reference else { return nil }
      let nodes = placed.map { NodeShare(name: problem.nodes[$0.node].name, replicas: $0.replicas) }
      return Placement(workload: reference, nodes: nodes)
    }
    let order = problem.current.contains { $0 != nil } ? problem.moveOrder(to: assignment) : nil
    func moves(_ steps: [MoveOrder.Step]?) -> [Move]? {
      guard let steps, !steps.isEmpty else { return nil }
      return steps.compactMap { Move($0, problem, references) }
    }
    let violations = problem.sentences(onViolationsOf: assignment)
    self.init(
      name: name,
      placements: placements,
      status: Status(
        objective: evaluation.objective.rounded(digits: Self.digits),
        optimal: false,
        traffic: Traffic(evaluation, of: problem),
        utilization: Utilization(
          max: evaluation.peakUtilization.rounded(digits: Self.digits),
          mean: evaluation.meanUtilization.rounded(digits: Self.digits)
        ),
        moves: evaluation.moves,
        moveOrder: moves(order?.steps),
        blockedMoves: moves(order?.blocked),
        violations: violations.isEmpty ? nil : violations
      )
    )
  }

  /// The digits of a figure that are written: enough to compare plans, few enough to hide the order of summation.
  fileprivate static let digits = 12

  /// Answers where the plan places the replicas of a problem. A workload that the plan does not mention has no
  /// replicas; one that `references` has as nil stays where it runs now.
  ///
  /// - Throws: ``PlanningError/Code/badPlan`` where the plan speaks of a workload or node that the problem does not
  ///   have; `file` is the plan's name in it.
  package func assignment(
    for problem: Problem, references: [WorkloadReference?], file: String
  ) throws(PlanningError) -> Assignment {
    var workloads: [WorkloadReference: Int] = [:]
    for (w, reference) in references.enumerated() {
      if let reference { workloads[reference] = w }
    }
    let nodes = problem.nodesByName
    var assignment = Assignment(
      placed: references.indices.map { references[$0] == nil ? problem.current[$0] ?? [] : [] }
    )
    for (p, placement) in spec.placements.enumerated() {
      guard let w = workloads[placement.workload] else {
        throw PlanningError(
          code: .badPlan,
          message: "\(file): spec.placements[\(p)].workload: '\(placement.workload)' is no workload of the cluster "
            + "that a plan may move"
        )
      }
      for (s, share) in placement.nodes.enumerated() {
        guard let n = nodes[share.name] else {
          throw PlanningError(
            code: .badPlan,
            message: "\(file): spec.placements[\(p)].nodes[\(s)].name: '\(share.name)' is no node of the cluster"
          )
        }
        assignment.placed[w].append(Problem.Placed(node: n, replicas: share.replicas))
      }
      assignment.placed[w].sort { $0.node < $1.node }
    }
    return assignment
  }
}

extension Problem {
  /// The constraints that a placement breaks, a sentence each, with amounts in Kubernetes' units.
  func sentences(onViolationsOf assignment: Assignment) -> [String] {
    violations(assignment).map { violation in
      describe(violation) { ProblemAmount($0, of: resources[$1]).text() }
    }
  }
}

extension PlacementPlan.Traffic {
  fileprivate init(_ evaluation: Evaluation, of problem: Problem) {
    let digits = PlacementPlan.digits
    self.init(
      total: evaluation.totalTraffic.rounded(digits: digits),
      crossNode: (evaluation.totalTraffic * (1 - evaluation.localizedShareNode)).rounded(digits: digits),
      localizedShare: PlacementPlan.LocalizedShare(
        node: evaluation.localizedShareNode.rounded(digits: digits),
        zone: evaluation.localizedShareZone.rounded(digits: digits)
      ),
      unit: problem.trafficUnit.rawValue
    )
    guard !problem.matrices.isEmpty else { return }
    combined = problem.combination.rawValue
    matrices = zip(problem.matrices, evaluation.matrices).map { matrix, figures in
      PlacementPlan.TrafficMatrix(
        name: matrix.name,
        weight: problem.combination == .mean ? matrix.weight : nil,
        total: figures.totalTraffic.rounded(digits: digits),
        crossNode: (figures.totalTraffic * (1 - figures.localizedShareNode)).rounded(digits: digits),
        localizedShare: PlacementPlan.LocalizedShare(
          node: figures.localizedShareNode.rounded(digits: digits),
          zone: figures.localizedShareZone.rounded(digits: digits)
        )
      )
    }
  }
}

extension PlacementPlan.Move {
  /// Answers nil for an end that is no workload of the cluster: it does not move.
  fileprivate init?(_ step: MoveOrder.Step, _ problem: Problem, _ references: [PlacementPlan.WorkloadReference?]) {
    guard let workload = references[step.workload] else { return nil }
    let part: String? =
      switch step.part {
      case .whole: nil
      case .stop: "stop"
      case .start: "start"
      }
    self.init(
      workload: workload,
      replicas: step.replicas,
      from: step.from.map { problem.nodes[$0].name },
      to: step.to.map { problem.nodes[$0].name },
      part: part
    )
  }
}

extension Double {
  /// The number with so many significant digits.
  fileprivate func rounded(digits: Int) -> Double {
    Double(String(format: "%.\(digits)g", self)) ?? self
  }
}
