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
  /// - Parameter origin: where the search starts, as far as that keeps all constraints; nil for wherever it likes. The
  ///   placement that is found is never worse than an origin that keeps them all.
  public func solve(
    _ options: SolverOptions, _ context: SolverContext, from origin: Assignment? = nil
  ) throws(PlacementError) -> Solution {
    let simpler = withSimplerRules()
    let start = try simpler.firstPlacement(options, context, from: origin)
    if isLarge {
      return LargeSearch(simpler, options, context, start: start).run()
    }
    return Portfolio(simpler, options, context, start: start).run()
  }

  /// From so many replicas and edges on, one annealing is better than many, and nothing is bounded. A few edges are
  /// better searched again and again, however many replicas there are.
  public static let large = (replicas: 2000, edges: 2000)

  private var isLarge: Bool {
    edges.count >= Self.large.edges && workloads.reduce(0) { $0 + $1.replicas } >= Self.large.replicas
  }
}
