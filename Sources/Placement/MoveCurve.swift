/// What moves buy: the best placements that were found with ever more of them, from what runs now to a plan.
public struct MoveCurve: Hashable, Sendable {
  /// A placement for so many moves.
  public struct Point: Hashable, Sendable {
    /// The most replicas that may move.
    public var limit: Int
    /// The best placement found with that many moves. It keeps all constraints.
    public var assignment: Assignment
    /// Its figures.
    public var evaluation: Evaluation

    /// Makes a point.
    public init(limit: Int, assignment: Assignment, evaluation: Evaluation) {
      self.limit = limit
      self.assignment = assignment
      self.evaluation = evaluation
    }
  }

  /// By ascending limits; objectives never rise. The first is the least number of moves with which a placement was found
  /// that keeps all constraints: 0 where what runs now keeps them, and all of it runs. The last is the plan.
  public var points: [Point]

  /// Makes a curve.
  public init(points: [Point]) { self.points = points }
}

extension Problem {
  /// Finds out how much of a plan's gain fewer moves bring.
  ///
  /// The limits are 0, 1, 2, 5, 10, 20, 50 and so on up to the moves of the plan. The search for each starts from the
  /// placement of the one before, so that more moves are never worse; it is no part of the way to the plan, but the best
  /// use of these moves that was found. No point is better than the plan: where a search finds such a placement, the
  /// plan was not the best there is, and the point stays as the one before.
  ///
  /// - Parameters:
  ///   - plan: a placement that keeps all constraints.
  ///   - options: the time limit is that of all points together; those that it leaves no time for are left out. The
  ///     effort is not read: each point gets the least there is, so that the same inputs and seed give the same points
  ///     where the time limit does not come first.
  ///   - context: the time, and when to stop.
  /// - Returns: nil where the plan moves nothing, or where there was no time for anything.
  public func moveCurve(to plan: Assignment, _ options: SolverOptions, _ context: SolverContext) -> MoveCurve? {
    let goal = evaluate(plan)
    guard goal.moves > 0 else { return nil }
    var points: [MoveCurve.Point] = []
    let start = context.elapsed()
    let limits = Self.moveLimits(below: goal.moves)
    for (index, limit) in limits.enumerated() {
      var limited = self
      limited.weights.maxMoves = limit
      var search = options
      search.effort = Self.effortOfPoint
      search.prove = false
      if let whole = options.timeLimit {
        // What a point leaves over is for those after it.
        let left = whole - (context.elapsed() - start)
        guard left > .zero else { break }
        search.timeLimit = context.elapsed() + left / (limits.count - index)
      }
      guard !context.isCancelled() else { break }
      let origin = points.last?.assignment ?? Assignment(placed: current.map { $0 ?? [] })
      let silent = SolverContext(elapsed: context.elapsed, isCancelled: context.isCancelled)
      // Where what runs now breaks a constraint, so few moves may not mend it.
      guard let found = try? limited.solve(search, silent, from: origin), found.evaluation.moves <= limit else {
        continue
      }
      let isWithin = found.evaluation.objective >= goal.objective
      if isWithin, found.evaluation.objective <= points.last?.evaluation.objective ?? .infinity {
        points.append(MoveCurve.Point(limit: limit, assignment: found.assignment, evaluation: found.evaluation))
      } else if var last = points.last {
        last.limit = limit
        points.append(last)
      }
    }
    guard !points.isEmpty else { return nil }
    points.append(MoveCurve.Point(limit: goal.moves, assignment: plan, evaluation: goal))
    return MoveCurve(points: points)
  }

  /// The work of a point: two short cycles.
  private static let effortOfPoint = 0

  /// 0, 1, 2, 5, 10, 20, 50 and so on.
  private static func moveLimits(below most: Int) -> [Int] {
    var limits = [0]
    var power = 1
    while power < most {
      limits += [1, 2, 5].map { $0 * power }.filter { $0 < most }
      power *= 10
    }
    return limits
  }
}
