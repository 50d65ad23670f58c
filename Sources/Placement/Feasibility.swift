extension Problem {
  /// Whether a placement keeps the replica counts, limits, capacities, rules and the most moves.
  public func isFeasible(_ assignment: Assignment) -> Bool {
    violations(assignment).isEmpty && moves(assignment) <= weights.maxMoves ?? .max
  }
}
