/// A mixed-integer program that is being written down: minimize `constant + Σ c_j·x_j` within bounds of rows and columns.
///
/// Rows are kept one after the other in flat arrays. Columns that only follow from others (shares, indicators, the peak)
/// know the rows that define them, so that a solution given by its free columns alone can be completed.
struct Formulation {
  /// `constant + Σ coefficient·column`.
  struct Sum {
    var constant = 0.0
    var terms: [(column: Int, coefficient: Double)] = []

    static func + (a: Sum, b: Sum) -> Sum { Sum(constant: a.constant + b.constant, terms: a.terms + b.terms) }
    static func - (a: Sum, b: Sum) -> Sum { a + -1 * b }
    static func * (factor: Double, sum: Sum) -> Sum {
      Sum(constant: factor * sum.constant, terms: sum.terms.map { ($0.column, factor * $0.coefficient) })
    }
    static func column(_ column: Int) -> Sum { Sum(terms: [(column, 1)]) }
    static func constant(_ value: Double) -> Sum { Sum(constant: value) }

    /// Whether it is 0 whatever the columns are.
    var isZero: Bool { constant == 0 && terms.isEmpty }
  }

  /// Which value a column takes that follows from others: the least or the greatest that its rows allow.
  enum Following {
    case least
    case greatest
  }

  private(set) var lower: [Double] = []
  private(set) var upper: [Double] = []
  private(set) var cost: [Double] = []
  private(set) var isInteger: [Bool] = []
  /// What the objective is where all columns are 0.
  var constant = 0.0
  /// Whether a row without columns turned out to be broken: there is no solution.
  private(set) var isContradictory = false

  private(set) var rowLower: [Double] = []
  private(set) var rowUpper: [Double] = []
  private var rowStart = [0]
  private var entryColumn: [Int] = []
  private var entryValue: [Double] = []

  private var following: [(column: Int, value: Following, rows: [Int])] = []
  private var followingIndex: [Int: Int] = [:]

  var columnCount: Int { lower.count }
  var rowCount: Int { rowLower.count }
  var entryCount: Int { entryColumn.count }

  /// Adds a column and returns its index.
  mutating func addColumn(
    lower: Double = 0, upper: Double, cost: Double = 0, integer: Bool = false, follows: Following? = nil
  ) -> Int {
    self.lower.append(lower)
    self.upper.append(upper)
    self.cost.append(cost)
    isInteger.append(integer)
    let column = columnCount - 1
    if let follows {
      followingIndex[column] = following.count
      following.append((column, follows, []))
    }
    return column
  }

  /// Lowers a column's upper bound.
  mutating func limit(_ column: Int, to bound: Double) { upper[column] = min(upper[column], bound) }

  /// Raises a column's lower bound.
  mutating func raise(_ column: Int, to bound: Double) { lower[column] = max(lower[column], bound) }

  /// Adds to a column's coefficient in the objective.
  mutating func addCost(_ column: Int, _ amount: Double) { cost[column] += amount }

  /// Adds a row: the sum lies within bounds. A column may appear more than once.
  ///
  /// - Parameter defines: the following column whose value the row bounds.
  mutating func addRow(
    _ sum: Sum, atLeast least: Double = -.infinity, atMost most: Double = .infinity, defines column: Int? = nil
  ) {
    var terms = sum.terms.sorted { $0.column < $1.column }
    var kept = 0
    for term in terms {
      if kept > 0 && terms[kept - 1].column == term.column {
        terms[kept - 1].coefficient += term.coefficient
      } else {
        terms[kept] = term
        kept += 1
      }
    }
    let start = entryColumn.count
    for term in terms[..<kept] where term.coefficient != 0 {
      entryColumn.append(term.column)
      entryValue.append(term.coefficient)
    }
    let (least, most) = (least - sum.constant, most - sum.constant)
    guard entryColumn.count > start else {
      if least > 1e-9 || most < -1e-9 { isContradictory = true }
      return
    }
    rowLower.append(least)
    rowUpper.append(most)
    rowStart.append(entryColumn.count)
    if let column, let index = followingIndex[column] { following[index].rows.append(rowCount - 1) }
  }

  /// Fills in the columns that follow from others, in the order in which they were added.
  func complete(_ values: inout [Double]) {
    for (column, value, rows) in following {
      var low = lower[column]
      var high = upper[column]
      for row in rows {
        var rest = 0.0
        var coefficient = 0.0
        for entry in rowStart[row]..<rowStart[row + 1] {
          if entryColumn[entry] == column {
            coefficient = entryValue[entry]
          } else {
            rest += entryValue[entry] * values[entryColumn[entry]]
          }
        }
        let ends = [(rowLower[row] - rest) / coefficient, (rowUpper[row] - rest) / coefficient]
        low = max(low, coefficient > 0 ? ends[0] : ends[1])
        high = min(high, coefficient > 0 ? ends[1] : ends[0])
      }
      switch value {
      case .least: values[column] = isInteger[column] ? (low - 1e-9).rounded(.up) : low
      case .greatest: values[column] = isInteger[column] ? (high + 1e-9).rounded(.down) : high
      }
    }
  }

  /// Whether values satisfy every row and bound, but for rounding.
  func isSatisfied(by values: [Double]) -> Bool {
    guard !isContradictory else { return false }
    func within(_ value: Double, _ low: Double, _ high: Double) -> Bool {
      let slack = 1e-7 * max(1, abs(value))
      return value >= low - slack && value <= high + slack
    }
    for column in 0..<columnCount where !within(values[column], lower[column], upper[column]) { return false }
    for row in 0..<rowCount {
      var sum = 0.0
      for entry in rowStart[row]..<rowStart[row + 1] { sum += entryValue[entry] * values[entryColumn[entry]] }
      if !within(sum, rowLower[row], rowUpper[row]) { return false }
    }
    return true
  }

  /// `constant + Σ c_j·x_j`.
  func objective(_ values: [Double]) -> Double {
    zip(cost, values).reduce(constant) { $0 + $1.0 * $1.1 }
  }

  /// Hands the program to GLPK, on this thread; the objective is multiplied by `scale` and has no constant.
  func makeProgram(scale: Double) throws(PlacementError) -> LinearProgram {
    let program = try LinearProgram()
    try program.addRows(rowCount)
    try program.addColumns(columnCount)
    for row in 0..<rowCount { try program.setRow(row, lower: rowLower[row], upper: rowUpper[row]) }
    for column in 0..<columnCount {
      try program.setColumn(column, lower: lower[column], upper: upper[column])
      if cost[column] != 0 { try program.setObjective(column, cost[column] * scale) }
      if isInteger[column] { try program.setInteger(column) }
    }
    var matrix: [(row: Int, column: Int, value: Double)] = []
    matrix.reserveCapacity(entryCount)
    for row in 0..<rowCount {
      for entry in rowStart[row]..<rowStart[row + 1] {
        matrix.append((row, entryColumn[entry], entryValue[entry]))
      }
    }
    try program.load(matrix)
    try program.scale()
    return program
  }
}
