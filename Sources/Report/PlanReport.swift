package import Placement

/// All that a report on a placement tells, gathered once and rendered as terminal tables or as a page.
///
/// With a bound it reports a plan, without one it reports the figures of any placement.
package struct PlanReport: Sendable {
  /// Traffic with an end that is no workload of the problem: a database elsewhere, the world.
  package struct OutsideTraffic: Hashable, Sendable {
    /// The outside end as the dump names it.
    package var name: String
    /// Traffic per second from and to it, in the problem's traffic unit.
    package var traffic: Double
    /// Its share of all traffic that was read, from 0 to 1.
    package var share: Double

    /// Makes an entry.
    package init(name: String, traffic: Double, share: Double) {
      self.name = name
      self.traffic = traffic
      self.share = share
    }
  }

  /// A name in the traffic, and what it was taken for.
  package struct NamedEnd: Hashable, Sendable {
    /// The name as the dump has it.
    package var name: String
    /// What it was taken for, such as the name of a workload.
    package var meaning: String
    /// By what that was found, such as a Service of that name.
    package var evidence: String
    /// Traffic per second from and to it, in the problem's traffic unit.
    package var traffic: Double

    /// Makes an entry.
    package init(name: String, meaning: String, evidence: String, traffic: Double) {
      self.name = name
      self.meaning = meaning
      self.evidence = evidence
      self.traffic = traffic
    }
  }

  /// A detail of how the plan was made, such as the seed or the files that were read.
  package struct Detail: Hashable, Sendable {
    /// What it is.
    package var name: String
    /// Its value.
    package var value: String

    /// Makes a detail.
    package init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  /// What the report is about, such as the plan's name.
  package var title: String
  /// The problem that was solved. Its ``Problem/current`` placement, where there is one, is what runs before.
  package let problem: Problem
  /// The placement reported on.
  package let after: Assignment
  /// Its figures.
  package let evaluation: Evaluation
  /// No placement has an objective below this; nil where no bound was sought.
  package var lowerBound: Double?
  /// Whether the placement is proven to be the best there is.
  package var isOptimal: Bool
  /// Where the solver stood over time, oldest first.
  package var progress: [SolverProgress]
  /// What was not understood, not supported or left out, a sentence each.
  package var warnings: [String]
  /// Traffic from and to ends outside the problem.
  package var outside: [OutsideTraffic]
  /// What the names in the traffic were taken for; shown by wide tables.
  package var ends: [NamedEnd] = []
  /// How the plan was made.
  package var details: [Detail]
  /// What the amounts of each resource of the problem count.
  package var resourceUnits: [ResourceUnit]
  /// What fewer moves would bring; nil where it was not asked for.
  package var moveCurve: MoveCurve?
  /// How to get from what runs now to the placement.
  package let moves: MoveOrder
  /// What runs now and its figures; nil where nothing does.
  let before: RunningPlacement?
  let names: WorkloadLabels

  /// Makes the report of any placement of all replicas.
  package init(
    title: String,
    problem: Problem,
    assignment: Assignment,
    lowerBound: Double? = nil,
    isOptimal: Bool = false,
    progress: [SolverProgress] = [],
    warnings: [String] = [],
    outside: [OutsideTraffic] = [],
    details: [Detail] = []
  ) {
    self.title = title
    self.problem = problem
    self.after = assignment
    self.evaluation = problem.evaluate(assignment)
    self.lowerBound = lowerBound
    self.isOptimal = isOptimal
    self.progress = progress
    self.warnings = warnings
    self.outside = outside
    self.details = details
    self.resourceUnits = problem.resources.map { ResourceUnit(usualFor: $0) }
    self.moves = problem.moveOrder(to: assignment)
    self.before = RunningPlacement(of: problem)
    self.names = WorkloadLabels(problem.workloads.map(\.name))
  }

  /// Makes the report of a plan.
  package init(
    title: String,
    problem: Problem,
    solution: Solution,
    progress: [SolverProgress] = [],
    warnings: [String] = [],
    outside: [OutsideTraffic] = [],
    details: [Detail] = []
  ) {
    self.init(
      title: title,
      problem: problem,
      assignment: solution.assignment,
      lowerBound: solution.lowerBound,
      isOptimal: solution.isOptimal,
      progress: progress,
      warnings: warnings,
      outside: outside,
      details: details
    )
  }

  /// `(objective − lowerBound) / objective`; 0 when optimal, nil without a bound. That the objective is not below 0 says
  /// nothing.
  package var gap: Double? {
    guard !isOptimal, evaluation.objective > 0 else { return 0 }
    guard let lowerBound, lowerBound > 0 else { return nil }
    return max(0, (evaluation.objective - lowerBound) / evaluation.objective)
  }

  /// Whether replicas run now, so that there is a before to compare with.
  package var hasBefore: Bool { before != nil }
}
