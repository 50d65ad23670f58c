import CGLPK

/// A linear or mixed-integer program in GLPK: minimize `Σ c_j·x_j` where rows `Σ a_ij·x_j` and columns `x_j` lie within
/// bounds.
///
/// Rows and columns count from 0. A bound may be infinite; equal bounds fix.
///
/// **Threads.** GLPK keeps an environment for each thread. Make, solve and release a program on one thread, never
/// across an `await`; any number of threads may have programs of their own at the same time. On another thread than its
/// own a program refuses every call, and one that is released there leaks.
///
/// **Errors.** A wrong index, a matrix element twice or a failed assertion inside of GLPK throws a ``PlacementError``
/// with code `solver`. The thread's environment is lost with it: all programs that the thread has at that moment refuse
/// every later call. New ones can be made at once.
package final class LinearProgram {
  /// Nonzero coefficients of a row by column, or of a column by row.
  package typealias Entry = (index: Int, value: Double)

  let handle: OpaquePointer
  /// How many rows there are.
  private(set) var rowCount = 0
  /// How many columns there are.
  private(set) var columnCount = 0

  /// Makes an empty program on this thread.
  package init() throws(PlacementError) {
    guard let handle = tonari_glpk_create() else { throw Self.fault() }
    self.handle = handle
  }

  deinit { tonari_glpk_destroy(handle) }

  /// Adds a row without coefficients and returns its index.
  @discardableResult
  package func addRow(lower: Double = -.infinity, upper: Double = .infinity) throws(PlacementError) -> Int {
    let row = try addRows(1)
    try setRow(row, lower: lower, upper: upper)
    return row
  }

  /// Adds free rows without coefficients and returns the index of the first.
  @discardableResult
  package func addRows(_ count: Int) throws(PlacementError) -> Int {
    try check(tonari_glpk_add_rows(handle, Int32(clamping: count)))
    rowCount += count
    return rowCount - count
  }

  /// Adds a column and returns its index. A program that was solved keeps its basis, the new column outside of it, so
  /// that the primal simplex method goes on from there.
  ///
  /// - Parameter entries: the column's coefficients by row, no row twice.
  @discardableResult
  package func addColumn(
    lower: Double = 0, upper: Double = .infinity, objective: Double = 0, integer: Bool = false, entries: [Entry] = []
  ) throws(PlacementError) -> Int {
    let column = try addColumns(1)
    try setColumn(column, lower: lower, upper: upper)
    if objective != 0 { try setObjective(column, objective) }
    if integer { try setInteger(column) }
    if !entries.isEmpty { try setColumn(column, entries: entries) }
    return column
  }

  /// Adds columns without coefficients, fixed at 0, and returns the index of the first.
  @discardableResult
  package func addColumns(_ count: Int) throws(PlacementError) -> Int {
    try check(tonari_glpk_add_cols(handle, Int32(clamping: count)))
    columnCount += count
    return columnCount - count
  }

  /// Deletes rows; those after them move up. The basis is made anew where one of them was not in it.
  func deleteRows(_ rows: [Int]) throws(PlacementError) {
    guard !rows.isEmpty else { return }
    try check(tonari_glpk_del_rows(handle, Int32(clamping: rows.count), oneBased(rows)))
    rowCount -= rows.count
  }

  /// Deletes columns; those after them move up. The basis is made anew where one of them was in it.
  func deleteColumns(_ columns: [Int]) throws(PlacementError) {
    guard !columns.isEmpty else { return }
    try check(tonari_glpk_del_cols(handle, Int32(clamping: columns.count), oneBased(columns)))
    columnCount -= columns.count
  }

  /// Sets the bounds of a row's sum.
  package func setRow(_ row: Int, lower: Double, upper: Double) throws(PlacementError) {
    try check(tonari_glpk_row_bounds(handle, oneBased(row), lower, upper))
  }

  /// Sets the bounds of a column's value.
  package func setColumn(_ column: Int, lower: Double, upper: Double) throws(PlacementError) {
    try check(tonari_glpk_col_bounds(handle, oneBased(column), lower, upper))
  }

  /// Makes a column take whole values only in ``solveInteger(_:visit:shouldStop:)``.
  func setInteger(_ column: Int) throws(PlacementError) {
    try check(tonari_glpk_col_kind(handle, oneBased(column), GLP_IV))
  }

  /// Sets a column's coefficient in what is minimized.
  package func setObjective(_ column: Int, _ coefficient: Double) throws(PlacementError) {
    try check(tonari_glpk_objective(handle, oneBased(column), coefficient))
  }

  /// Replaces a row's coefficients; no column twice.
  func setRow(_ row: Int, entries: [Entry]) throws(PlacementError) {
    let count = Int32(clamping: entries.count)
    let indices = oneBased(entries.map(\.index))
    try check(tonari_glpk_set_row(handle, oneBased(row), count, indices, [0] + entries.map(\.value)))
  }

  /// Replaces a column's coefficients; no row twice.
  func setColumn(_ column: Int, entries: [Entry]) throws(PlacementError) {
    let count = Int32(clamping: entries.count)
    let indices = oneBased(entries.map(\.index))
    try check(tonari_glpk_set_col(handle, oneBased(column), count, indices, [0] + entries.map(\.value)))
  }

  /// Replaces the whole matrix; no element twice. Far faster than row by row.
  package func load(_ matrix: [(row: Int, column: Int, value: Double)]) throws(PlacementError) {
    let rows = oneBased(matrix.map(\.row))
    let columns = oneBased(matrix.map(\.column))
    try check(tonari_glpk_load(handle, Int32(clamping: matrix.count), rows, columns, [0] + matrix.map(\.value)))
  }

  /// Throws what a call's return code says went wrong.
  func check(_ code: Int32) throws(PlacementError) {
    guard code == Int32(TONARI_GLPK_DONE) else { throw Self.fault() }
  }

  private static func fault() -> PlacementError {
    PlacementError(code: .solver, message: "GLPK: " + String(cString: tonari_glpk_message()))
  }

  /// An index that is out of any range stays so.
  private func oneBased(_ index: Int) -> Int32 { Int32(clamping: index.addingReportingOverflow(1).partialValue) }

  private func oneBased(_ indices: [Int]) -> [Int32] {
    var result: [Int32] = [0]
    result.reserveCapacity(indices.count + 1)
    for index in indices { result.append(oneBased(index)) }
    return result
  }
}
