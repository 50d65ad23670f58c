/// How long and how hard to search.
public struct SolverOptions: Hashable, Sendable {
  /// Stop with the best placement so far after this time; nil for no limit.
  public var timeLimit: Duration?
  /// Seed of all random choices.
  public var seed: UInt64
  /// A budget of work from 1 to 10, each step about twice the one before. With it, the same inputs and seed give the
  /// same plan on any machine, as long as the time limit does not come first. Nil: the search fills the time limit.
  public var effort: Int?
  /// How many threads search.
  public var threads: Int
  /// Whether to go on until the placement is proven optimal or time is up.
  public var prove: Bool

  /// Makes options.
  public init(
    timeLimit: Duration? = .seconds(60), seed: UInt64 = 1, effort: Int? = nil, threads: Int = 2, prove: Bool = false
  ) {
    self.timeLimit = timeLimit
    self.seed = seed
    self.effort = effort
    self.threads = threads
    self.prove = prove
  }
}

/// What a solver needs from the world: the time, a word when to stop, and an ear for progress.
public struct SolverContext: Sendable {
  /// Time since the solver was started.
  public var elapsed: @Sendable () -> Duration
  /// Whether to stop with the best placement so far (an interrupt).
  public var isCancelled: @Sendable () -> Bool
  /// Called from any thread as the search goes on, at most some tens of times a second.
  public var progress: @Sendable (SolverProgress) -> Void

  /// Makes a context.
  public init(
    elapsed: @escaping @Sendable () -> Duration,
    isCancelled: @escaping @Sendable () -> Bool = { false },
    progress: @escaping @Sendable (SolverProgress) -> Void = { _ in }
  ) {
    self.elapsed = elapsed
    self.isCancelled = isCancelled
    self.progress = progress
  }
}

extension Problem {
  /// Finds the best placement it can: a portfolio of construction, local search, GLPK and bounds.
  ///
  /// Blocks the calling thread; call it from a thread of its own, never from the cooperative pool.
  ///
  /// Throws ``PlacementError`` where there is no placement, where none was found in time, and where there are more than
  /// ``mostReplicas`` replicas.
  ///
  /// - Parameter origin: where the search starts, as far as that keeps all constraints; nil for wherever it likes. The
  ///   placement that is found is never worse than an origin that keeps them all.
  public func solve(
    _ options: SolverOptions, _ context: SolverContext, from origin: Assignment? = nil
  ) throws(PlacementError) -> Solution {
    try refuseTooManyReplicas()
    let simpler = withSimplerRules()
    let start = try simpler.firstPlacement(options, context, from: origin)
    // A large search takes long to begin.
    let isOver = context.isCancelled() || options.timeLimit.map { context.elapsed() >= $0 } ?? false
    if isLarge, !isOver {
      return try checked(LargeSearch(simpler, options, context, start: start).run())
    }
    return try checked(Portfolio(simpler, options, context, start: start).run())
  }

  /// A solution of the problem as it was simplified, held to the problem as it was asked.
  ///
  /// - Throws: ``PlacementError/Code/solver`` where the placement breaks a constraint: nobody is to follow it.
  func checked(_ solution: Solution) throws(PlacementError) -> Solution {
    if isFeasible(solution.assignment) { return solution }
    var broken = violations(solution.assignment).prefix(5).map { describe($0) }
    if let most = weights.maxMoves, solution.evaluation.moves > most {
      broken.append("\(solution.evaluation.moves) replicas move, of at most \(most)")
    }
    throw PlacementError(
      code: .solver, message: "the placement that was found breaks constraints, by a fault of the search:",
      conflicts: broken)
  }

  /// The most replicas in all that are planned: the search keeps some words of memory for each.
  public static let mostReplicas = 10_000_000

  private func refuseTooManyReplicas() throws(PlacementError) {
    let count = workloads.reduce(0.0) { $0 + Double($1.replicas) }
    guard count > Double(Self.mostReplicas), let most = workloads.max(by: { $0.replicas < $1.replicas }) else { return }
    throw PlacementError(
      code: .tooLarge,
      message: "the workloads have more than \(Self.mostReplicas) replicas in all, which is the most that are planned; "
        + "\(most.name) has \(most.replicas)")
  }

  /// From so many replicas and edges on, one annealing is better than many, and nothing is bounded. A few edges are
  /// better searched again and again, however many replicas there are.
  public static let large = (replicas: 2000, edges: 2000)

  private var isLarge: Bool {
    edges.count >= Self.large.edges && workloads.reduce(0) { $0 + $1.replicas } >= Self.large.replicas
  }
}
