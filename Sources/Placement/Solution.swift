/// The best placement that a solver found, and how good it is known to be.
public struct Solution: Sendable {
  /// The placement.
  public var assignment: Assignment
  /// Its figures.
  public var evaluation: Evaluation
  /// No placement has an objective below this.
  public var lowerBound: Double
  /// Whether the placement is proven to be the best there is.
  public var isOptimal: Bool

  /// `(objective − lowerBound) / objective`; 0 when optimal.
  public var gap: Double {
    guard !isOptimal, evaluation.objective > 0 else { return 0 }
    return max(0, (evaluation.objective - lowerBound) / evaluation.objective)
  }

  /// Makes a solution.
  public init(assignment: Assignment, evaluation: Evaluation, lowerBound: Double, isOptimal: Bool) {
    self.assignment = assignment
    self.evaluation = evaluation
    self.lowerBound = lowerBound
    self.isOptimal = isOptimal
  }
}

/// Where a solver stands, for a progress line and for the report's chart.
public struct SolverProgress: Sendable {
  /// What the solver is doing, such as `construction`, `local search`, `bound`.
  public var phase: String
  /// Time since the start.
  public var elapsed: Duration
  /// Objective of the best placement so far; nil before there is one.
  public var objective: Double?
  /// Localized share (node tier) of the best placement so far.
  public var localizedShare: Double?
  /// Lower bound so far.
  public var lowerBound: Double

  /// Makes a progress report.
  public init(
    phase: String, elapsed: Duration, objective: Double?, localizedShare: Double?, lowerBound: Double
  ) {
    self.phase = phase
    self.elapsed = elapsed
    self.objective = objective
    self.localizedShare = localizedShare
    self.lowerBound = lowerBound
  }
}
