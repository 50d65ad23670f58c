import CGLPK

extension LinearProgram {
  /// How branch and bound runs.
  struct IntegerOptions {
    /// How a variable to branch on is chosen.
    enum Branching: Int32 {
      case firstFractional = 1
      case lastFractional = 2
      case mostFractional = 3
      case driebeckTomlin = 4
      case pseudocost = 5
    }

    /// Which open subproblem is next.
    enum Backtracking: Int32 {
      case depthFirst = 1
      case breadthFirst = 2
      case bestBound = 3
      case bestProjection = 4
    }

    var branching = Branching.pseudocost
    var backtracking = Backtracking.bestBound
    var mixedRoundingCuts = true
    var gomoryCuts = false
    var coverCuts = false
    var cliqueCuts = false
    var feasibilityPump = false
    var simpleRounding = true
    /// Whether GLPK makes the program smaller first; solutions can then neither be shown nor taken on the way.
    var presolve = false
    /// Longest time of the search.
    var timeLimit: Duration?
    /// Stop when the bound is that near to the best solution, relative to it.
    var gap = 0.0
  }

  /// Where branch and bound stands, and the answers of its visitor.
  struct IntegerSearch {
    /// Subproblems made so far.
    var nodes: Int
    /// Those of them still open.
    var open: Int
    /// No solution has an objective below; minus infinity while unknown.
    var bound: Double
    /// Objective of the best solution so far.
    var incumbent: Double?
    /// Values of the columns where a new best solution was just found.
    var solution: [Double]?
    /// Whether ``inject`` is looked at in this visit.
    var wantsSolution: Bool
    /// Answer: a solution that is feasible and better than the incumbent, a value for each column.
    var inject: [Double]?
    /// Answer: whether to end the search.
    var stop = false
  }

  /// What came of branch and bound.
  struct IntegerResult {
    /// What is known of the program.
    enum Status {
      /// The solution is the best there is.
      case optimal
      /// There is no solution.
      case infeasible
      /// The search ended early, with the best solution so far, if any.
      case stopped
    }

    var status: Status
    /// No solution has an objective below; minus infinity where unknown.
    var bound: Double
    /// The best solution's objective.
    var objective: Double?
    /// The best solution's values of columns.
    var values: [Double]?
    /// Subproblems made.
    var nodes: Int
  }

  /// Finds the best solution in which integer columns are whole, by branch and bound.
  ///
  /// Solves the LP first, from the present basis on.
  ///
  /// - Parameters:
  ///   - visit: called at every step, several times for each subproblem; must not use any ``LinearProgram``.
  ///   - shouldStop: asked at times while a single LP takes long; true abandons the program, and only what `visit` saw
  ///     is returned.
  func solveInteger(
    _ options: IntegerOptions = IntegerOptions(),
    visit: @escaping (inout IntegerSearch) -> Void = { _ in },
    shouldStop: @escaping () -> Bool = { false }
  ) throws(PlacementError) -> IntegerResult {
    var known = IntegerResult(status: .stopped, bound: -.infinity, nodes: 0)
    if !options.presolve {
      switch try solve(SimplexOptions(method: .dual, timeLimit: options.timeLimit), shouldStop: shouldStop) {
      case .optimal: known.bound = try objective
      case .infeasible: return IntegerResult(status: .infeasible, bound: .infinity, nodes: 0)
      case .limit, .stopped, .cutoff: return known
      case .unbounded: throw PlacementError(code: .solver, message: "GLPK: the program has no least objective")
      }
    }

    let visitor = Visitor(columns: columnCount, known: known, shouldStop: shouldStop, visit: visit)
    var parameters = options.parameters
    var result: Int32 = 0
    let code = withExtendedLifetime(visitor) {
      tonari_glpk_intopt(
        handle, &parameters, Visitor.visitCall, Visitor.watchCall, Unmanaged.passUnretained(visitor).toOpaque(), &result
      )
    }
    known = visitor.known
    if code == Int32(TONARI_GLPK_STOPPED) { return known }
    try check(code)

    switch result {
    case 0, GLP_EMIPGAP, GLP_ETMLIM, GLP_ESTOP: break
    case GLP_ENOPFS, GLP_EBOUND: return IntegerResult(status: .infeasible, bound: .infinity, nodes: known.nodes)
    default: throw PlacementError(code: .solver, message: "GLPK: branch and bound failed with code \(result)")
    }
    var status: Int32 = 0
    var objective = 0.0
    try check(tonari_glpk_mip_result(handle, &status, &objective))
    if status == GLP_NOFEAS { return IntegerResult(status: .infeasible, bound: .infinity, nodes: known.nodes) }
    if status == GLP_OPT || status == GLP_FEAS {
      known.objective = objective
      known.values = try read(columnCount, tonari_glpk_mip_values)
      if status == GLP_OPT && result == 0 {
        known.status = .optimal
        known.bound = objective
      } else {
        known.bound = min(known.bound, objective)
      }
    }
    return known
  }
}

extension LinearProgram.IntegerOptions {
  fileprivate var parameters: glp_iocp {
    var parameters = glp_iocp()
    glp_init_iocp(&parameters)
    func on(_ flag: Bool) -> Int32 { flag ? GLP_ON : GLP_OFF }
    parameters.msg_lev = GLP_MSG_ON
    parameters.out_dly = 50
    parameters.br_tech = branching.rawValue
    parameters.bt_tech = backtracking.rawValue
    parameters.mir_cuts = on(mixedRoundingCuts)
    parameters.gmi_cuts = on(gomoryCuts)
    parameters.cov_cuts = on(coverCuts)
    parameters.clq_cuts = on(cliqueCuts)
    parameters.fp_heur = on(feasibilityPump)
    parameters.sr_heur = on(simpleRounding)
    parameters.presolve = on(presolve)
    if let timeLimit { parameters.tm_lim = timeLimit.milliseconds }
    parameters.mip_gap = gap
    return parameters
  }
}

/// Carries the closures of a search through C, and keeps what it showed.
private final class Visitor {
  typealias Search = LinearProgram.IntegerSearch

  var known: LinearProgram.IntegerResult
  private let columns: Int
  private let shouldStop: () -> Bool
  private let visit: (inout Search) -> Void

  init(
    columns: Int, known: LinearProgram.IntegerResult, shouldStop: @escaping () -> Bool,
    visit: @escaping (inout Search) -> Void
  ) {
    self.columns = columns
    self.known = known
    self.shouldStop = shouldStop
    self.visit = visit
  }

  private func visit(_ state: UnsafeMutablePointer<tonari_glpk_search>) {
    known.bound = max(known.bound, state.pointee.bound)
    known.nodes = Int(state.pointee.nodes)
    var solution: [Double]?
    if let values = state.pointee.solution {
      solution = Array(UnsafeBufferPointer(start: values + 1, count: columns))
      known.values = solution
      known.objective = state.pointee.incumbent
    }
    var search = Search(
      nodes: known.nodes,
      open: Int(state.pointee.open),
      bound: known.bound,
      incumbent: state.pointee.has_incumbent != 0 ? state.pointee.incumbent : nil,
      solution: solution,
      wantsSolution: state.pointee.inject != nil
    )
    visit(&search)
    state.pointee.stop = search.stop ? 1 : 0
    if let inject = search.inject, let room = state.pointee.inject, inject.count == columns {
      for (column, value) in inject.enumerated() { room[column + 1] = value }
      state.pointee.injected = 1
    }
  }

  static let visitCall: @convention(c) (UnsafeMutableRawPointer?, UnsafeMutablePointer<tonari_glpk_search>?) -> Void = {
    guard let info = $0, let state = $1 else { return }
    Unmanaged<Visitor>.fromOpaque(info).takeUnretainedValue().visit(state)
  }

  static let watchCall: @convention(c) (UnsafeMutableRawPointer?) -> Int32 = { info in
    guard let info else { return 0 }
    return Unmanaged<Visitor>.fromOpaque(info).takeUnretainedValue().shouldStop() ? 1 : 0
  }
}
