extension Problem {
  /// The most pairs of a workload and a node, and the most subproblems, of a branch and bound for a first placement.
  private static let mostPairs = 20_000
  /// Up to so many pairs, branch and bound comes before any repair.
  private static let fewPairs = 400
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
    if let most = weights.maxMoves, evictions > most {
      throw PlacementError(
        code: .infeasible, message: "at most \(most) replicas may move, and \(evictions) are evicted where they run")
    }
    let shouldStop = { context.isCancelled() || options.timeLimit.map { context.elapsed() >= $0 } ?? false }
    let stop = StopCheck(shouldStop)
    do {
      return try start(seed: options.seed, from: origin, repairs: 0, stop: stop)
    } catch {
      if stop.isStopped || error.code != .notFound && origin == nil { throw error }
    }
    // Small problems are soon proven to have none.
    let pairs = workloads.count * nodes.count
    var fallback: Assignment?
    if pairs <= Self.fewPairs { fallback = try placementByBranchAndBound(options, shouldStop: shouldStop) }
    if let origin, let near = try? start(seed: options.seed, from: origin, stop: stop) { return near }
    let reason: PlacementError
    do {
      return try start(seed: options.seed, stop: stop)
    } catch {
      reason = error
    }
    if let fallback { return fallback }
    guard reason.code == .notFound else { throw reason }
    if pairs > Self.fewPairs, pairs <= Self.mostPairs, !shouldStop(),
      let found = try placementByBranchAndBound(options, shouldStop: shouldStop)
    {
      return found
    }
    // What runs may stay where nothing else has room.
    let now = Assignment(placed: current.map { $0 ?? [] })
    if !movesMatter, let found = try? start(seed: options.seed, from: now, stop: stop) { return found }
    for attempt in 1..<UInt64(Self.mostStarts) where pairs <= Self.mostPairs && !shouldStop() {
      // A start makes a few attempts of its own with the seeds from its own on.
      if let found = try? start(seed: options.seed &+ 1000 * attempt, stop: stop) { return found }
    }
    throw reason.naming(limitOf: self, seed: options.seed, stop)
  }

  /// Replicas that have to move because they may not stay.
  private var evictions: Int {
    zip(workloads.indices, surplus).reduce(0) { sum, next in
      let (w, surplus) = next
      let evicted = (current[w] ?? []).reduce(0) { $0 + $1.replicas - staying(workload: w, node: $1.node) }
      return sum + max(0, evicted - surplus)
    }
  }

  /// Any placement that keeps everything; nil where none was found but there may be one.
  private func placementByBranchAndBound(
    _ options: SolverOptions, shouldStop: @escaping () -> Bool
  ) throws(PlacementError) -> Assignment? {
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
        .naming(limitOf: self, seed: options.seed, StopCheck(shouldStop))
    }
    return outcome.assignment
  }
}

extension PlacementError {
  /// The same, where it is for the limit of moves: names the limit, and what was found without it.
  fileprivate func naming(limitOf problem: Problem, seed: UInt64, _ stop: StopCheck) -> PlacementError {
    guard let most = problem.weights.maxMoves else { return self }
    var unlimited = problem
    unlimited.weights.maxMoves = nil
    unlimited.weights.move = max(problem.weights.move, 1)
    guard let found = try? unlimited.start(seed: seed, stop: stop) else { return self }
    var error = self
    error.message =
      code == .infeasible
      ? "no placement keeps all capacities and rules and moves at most \(most) replicas"
      : "no placement was found that keeps all capacities and rules and moves at most \(most) replicas; there may be one"
    error.conflicts = ["a placement was found that moves \(unlimited.moves(found))"]
    return error
  }
}
