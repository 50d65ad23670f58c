extension Problem {
  /// The most pairs of a workload and a node, and the most subproblems, of a branch and bound for a first placement.
  private static let mostPairs = 20_000
  private static let mostNodes = 2000
  /// How often search starts anew where nothing is proven. A start takes some tenths of a second where problems are
  /// small, and those are the ones with nothing to spare.
  private static let mostStarts = 25

  /// A first placement that keeps everything: by search, and where that finds none by branch and bound in GLPK, and by
  /// more search.
  ///
  /// - Parameter origin: where to start from; nil for anywhere.
  func firstPlacement(
    _ options: SolverOptions, _ context: SolverContext, from origin: Assignment?
  ) throws(PlacementError) -> Assignment {
    if let origin, let near = try? start(seed: options.seed, from: origin) { return near }
    let reason: PlacementError
    do {
      return try start(seed: options.seed)
    } catch {
      reason = error
    }
    let shouldStop = { context.isCancelled() || options.timeLimit.map { context.elapsed() >= $0 } ?? false }
    guard reason.code == .notFound, workloads.count * nodes.count <= Self.mostPairs, !shouldStop() else { throw reason }
    if let found = try placementByBranchAndBound(shouldStop: shouldStop) { return found }
    for attempt in 1..<UInt64(Self.mostStarts) where !shouldStop() {
      // A start makes a few attempts of its own with the seeds from its own on.
      if let found = try? start(seed: options.seed &+ 1000 * attempt) { return found }
    }
    throw reason
  }

  /// Any placement that keeps everything; nil where none was found but there may be one.
  private func placementByBranchAndBound(shouldStop: @escaping () -> Bool) throws(PlacementError) -> Assignment? {
    var bare = self
    bare.edges = []
    bare.weights = Weights(leavingNode: 0, leavingZone: 0, maxMoves: weights.maxMoves)
    var model = PlacementModel(bare)
    model.search.backtracking = .depthFirst
    // Where GLPK gives up on its numbers, nothing is known.
    let limits = PlacementModel.Limits(nodes: Self.mostNodes)
    guard let outcome = try? model.solve(limits, shouldStop: shouldStop) else { return nil }
    if outcome.isInfeasible {
      throw PlacementError(code: .infeasible, message: "no placement keeps all capacities and rules")
    }
    return outcome.assignment
  }
}
