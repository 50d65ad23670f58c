import CGLPK

extension LinearProgram {
  /// How the simplex method runs.
  struct SimplexOptions {
    /// Which simplex method.
    enum Method {
      /// Primal: goes on from a basis that columns were added to, or whose objective changed.
      case primal
      /// Dual, and primal where it fails: goes on from a basis that rows were added to, or whose bounds changed.
      case dual
    }

    var method = Method.primal
    /// Most iterations of one solve.
    var iterationLimit: Int?
    /// Longest time of one solve.
    var timeLimit: Duration?
    /// Whether GLPK makes the program smaller first; the present basis is then not used, though one is left behind.
    var presolve = false
    /// Stop once the dual method proves that the objective is not below this.
    var cutoff: Double?
  }

  /// What came of an LP.
  enum LinearStatus {
    case optimal
    case infeasible
    case unbounded
    /// A limit came first. With the primal method the values may be feasible all the same; see `isFeasible`.
    case limit
    /// The dual method proved that the objective is not below ``SimplexOptions/cutoff``.
    case cutoff
    /// The watch said stop in the middle. The thread's environment is gone as after an error.
    case stopped
  }

  /// Solves the LP, from the present basis on. At first the basis is that of all rows; one that does not
  /// hold any more, since a column of it was deleted, is made anew.
  ///
  /// - Parameter shouldStop: asked at times while the LP takes long; true abandons the program.
  func solve(
    _ options: SimplexOptions = SimplexOptions(), shouldStop: @escaping () -> Bool = { false }
  ) throws(PlacementError) -> LinearStatus {
    var parameters = glp_smcp()
    glp_init_smcp(&parameters)
    parameters.msg_lev = GLP_MSG_ON
    parameters.out_frq = 20
    parameters.meth = options.method == .primal ? GLP_PRIMAL : GLP_DUALP
    if let limit = options.timeLimit { parameters.tm_lim = limit.milliseconds }
    if options.presolve { parameters.presolve = GLP_ON }
    if let cutoff = options.cutoff {
      parameters.obj_ul = cutoff
      parameters.meth = GLP_DUAL
    }

    // The simplex methods can go round in circles; nothing that does not takes as many iterations as this.
    let plenty = 10_000 + 20 * (rowCount + columnCount)
    parameters.it_lim = Int32(clamping: min(options.iterationLimit ?? .max, plenty))

    let watch = Watch(shouldStop)
    var result = GLP_EBADB
    for attempt in 0..<3 {
      // A basis that lost a column, or went bad numerically, is made anew, and at last the other method is tried.
      if attempt > 0 { try attempt == 1 ? crash() : resetBasis() }
      if attempt == 2 { parameters.meth = parameters.meth == GLP_PRIMAL ? GLP_DUALP : GLP_PRIMAL }
      let code = withExtendedLifetime(watch) {
        tonari_glpk_simplex(handle, &parameters, Watch.call, Unmanaged.passUnretained(watch).toOpaque(), &result)
      }
      if code == Int32(TONARI_GLPK_STOPPED) { return .stopped }
      try check(code)
      let circles = result == GLP_EITLIM && options.iterationLimit ?? .max > plenty
      if ![GLP_EBADB, GLP_ESING, GLP_ECOND, GLP_EFAIL].contains(result) && !circles { break }
    }

    switch result {
    case 0: break
    case GLP_EITLIM, GLP_ETMLIM: return .limit
    case GLP_EOBJUL: return .cutoff
    case GLP_ENOPFS, GLP_EBOUND: return .infeasible
    case GLP_ENODFS: return .unbounded
    default: throw PlacementError(code: .solver, message: "GLPK: the simplex method failed with code \(result)")
    }
    switch try lastResult().status {
    case GLP_OPT: return .optimal
    case GLP_NOFEAS, GLP_INFEAS: return .infeasible
    case GLP_UNBND: return .unbounded
    default: return .limit
    }
  }

  /// Solves the LP with the primal method. Answers whether there is an optimum.
  package func optimize() throws(PlacementError) -> Bool { try solve() == .optimal }

  /// Whether the present values satisfy all rows and bounds, as LP.
  var isFeasible: Bool {
    get throws(PlacementError) {
      let status = try lastResult().status
      return status == GLP_OPT || status == GLP_FEAS || status == GLP_UNBND
    }
  }

  /// The last LP's objective.
  var objective: Double { get throws(PlacementError) { try lastResult().objective } }

  /// Simplex iterations of all solves so far.
  var iterations: Int { get throws(PlacementError) { Int(try lastResult().iterations) } }

  /// Values of the columns in the last LP.
  package func values() throws(PlacementError) -> [Double] { try read(columnCount, tonari_glpk_col_values) }

  /// Sums of the rows in the last LP.
  func rowValues() throws(PlacementError) -> [Double] { try read(rowCount, tonari_glpk_row_values) }

  /// Dual values of the rows: what the objective gains for each unit more of the row's bound.
  func duals() throws(PlacementError) -> [Double] { try read(rowCount, tonari_glpk_row_duals) }

  /// Dual values of the rows from the middle of those that are best; nil where the method fails.
  func interiorDuals() throws(PlacementError) -> [Double]? {
    var result: Int32 = 0
    var values = [Double](repeating: 0, count: rowCount + 1)
    try check(tonari_glpk_interior(handle, &result, &values))
    values.removeFirst()
    return result == 0 ? values : nil
  }

  /// Reduced costs of the columns: `c_j − Σ_i a_ij·dual_i`.
  func reducedCosts() throws(PlacementError) -> [Double] { try read(columnCount, tonari_glpk_col_duals) }

  /// Scales rows and columns so that their coefficients are near to 1; values are shown unscaled.
  func scale() throws(PlacementError) { try check(tonari_glpk_scale(handle)) }

  /// Makes a first basis with as many columns in it as form a triangle.
  func crash() throws(PlacementError) { try check(tonari_glpk_advanced_basis(handle)) }

  /// Makes the basis that of all rows again.
  func resetBasis() throws(PlacementError) { try check(tonari_glpk_standard_basis(handle)) }

  /// Which rows and columns are in the basis, and at which bound the others are.
  struct Basis {
    fileprivate var rows: [Int32]
    fileprivate var columns: [Int32]
  }

  /// The present basis, for ``restore(_:)`` into a program with as many rows and columns.
  func basis() throws(PlacementError) -> Basis {
    var basis = Basis(
      rows: Array(repeating: 0, count: rowCount + 1), columns: Array(repeating: 0, count: columnCount + 1))
    try check(tonari_glpk_get_basis(handle, &basis.rows, &basis.columns))
    return basis
  }

  /// Takes a basis up again.
  func restore(_ basis: Basis) throws(PlacementError) {
    precondition(basis.rows.count == rowCount + 1 && basis.columns.count == columnCount + 1)
    try check(tonari_glpk_set_basis(handle, basis.rows, basis.columns))
  }

  private func lastResult() throws(PlacementError) -> tonari_glpk_lp {
    var result = tonari_glpk_lp()
    try check(tonari_glpk_lp_result(handle, &result))
    return result
  }

  func read(
    _ count: Int, _ call: (OpaquePointer, UnsafeMutablePointer<Double>) -> Int32
  ) throws(PlacementError) -> [Double] {
    var values = [Double](repeating: 0, count: count + 1)
    try check(call(handle, &values))
    values.removeFirst()
    return values
  }
}

/// Carries a closure through C.
private final class Watch {
  let shouldStop: () -> Bool

  init(_ shouldStop: @escaping () -> Bool) { self.shouldStop = shouldStop }

  static let call: @convention(c) (UnsafeMutableRawPointer?) -> Int32 = { info in
    guard let info else { return 0 }
    return Unmanaged<Watch>.fromOpaque(info).takeUnretainedValue().shouldStop() ? 1 : 0
  }
}

extension Duration {
  /// Whole milliseconds as GLPK counts limits, at least 1.
  var milliseconds: Int32 {
    Int32(clamping: max(1, components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000))
  }
}
