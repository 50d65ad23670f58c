/// Text in columns, for a terminal: no lines around it, two spaces between columns, numbers flush right.
///
/// Where a terminal is too narrow, flexible columns give way, the widest first; then columns with a rank are left out.
package struct TextTable: Sendable {
  /// What a column does with text that is wider than it.
  package enum Overflow: Hashable, Sendable {
    /// The column is as wide as its widest cell.
    case never
    /// The end of the text is cut off.
    case truncate
    /// The middle of the text is left out: for names, whose ends tell them apart.
    case truncateMiddle
    /// The text goes on in the next line.
    case wrap
  }

  /// A column and how it is set.
  package struct Column: Hashable, Sendable {
    /// Its title.
    package var title: String
    /// Whether it is flush right, as numbers are.
    package var isNumeric: Bool
    /// What it does where there is no room.
    package var overflow: Overflow
    /// When it is left out where there is no room even so: the lowest goes first. nil for never.
    package var rank: Int?

    /// Makes a column, by default flush left, as wide as its widest cell and never left out.
    package init(_ title: String, isNumeric: Bool = false, overflow: Overflow = .never, rank: Int? = nil) {
      self.title = title
      self.isNumeric = isNumeric
      self.overflow = overflow
      self.rank = rank
    }
  }

  /// One cell.
  package struct Cell: Hashable, Sendable, ExpressibleByStringInterpolation {
    /// What it says, without control characters and without spaces around it.
    package let text: String
    /// How it stands out.
    package let emphasis: TerminalStyle.Emphasis

    /// Makes a cell.
    package init(_ text: String, _ emphasis: TerminalStyle.Emphasis = .plain) {
      self.text = text.printable.trimmed
      self.emphasis = emphasis
    }

    /// Makes a plain cell.
    package init(stringLiteral text: String) { self.init(text) }
  }

  /// Spaces in front of every line.
  package var indent: Int
  private let columns: [Column]
  private var rows: [[Cell]] = []
  /// A flexible column does not get narrower than this.
  private static let narrowest = 8
  /// A column that wraps gets no narrower than this as long as others can.
  private static let narrowSentence = 24
  private static let gutter = 2

  /// Makes a table without rows.
  package init(columns: [Column], indent: Int = 0) {
    self.columns = columns
    self.indent = indent
  }

  /// Adds a row; missing cells at its end are empty.
  package mutating func add(_ cells: [Cell]) {
    precondition(cells.count <= columns.count, "more cells than columns")
    rows.append(cells + Array(repeating: "", count: columns.count - cells.count))
  }

  /// How many rows there are.
  package var count: Int { rows.count }

  /// Whether there are no rows.
  package var isEmpty: Bool { rows.isEmpty }

  /// The table with its first rows alone.
  package func prefix(_ count: Int) -> TextTable {
    var table = self
    table.rows = Array(rows.prefix(count))
    return table
  }

  /// The same columns without rows.
  var emptied: TextTable { TextTable(columns: columns, indent: indent) }

  /// The table as lines, each with a line feed at its end. A table whose titles are all empty has no title line.
  package func render(_ style: TerminalStyle = TerminalStyle()) -> String {
    let (widths, excess) = widths(within: style.width)
    let ranked = columns.indices.filter { columns[$0].rank != nil }
    if excess > 0, let least = ranked.min(by: { columns[$0].rank ?? 0 < columns[$1].rank ?? 0 }) {
      return without(least).render(style)
    }
    var text = ""
    if columns.contains(where: { !$0.title.isEmpty }) {
      append(columns.map { Cell($0.title, .strong) }, widths, style, to: &text)
    }
    for row in rows { append(row, widths, style, to: &text) }
    return text
  }

  private func without(_ column: Int) -> TextTable {
    var columns = columns
    columns.remove(at: column)
    var table = TextTable(columns: columns, indent: indent)
    table.rows = rows.map { row in
      var row = row
      row.remove(at: column)
      return row
    }
    return table
  }

  /// How wide each column is, and by how much all together are too wide even so.
  private func widths(within width: Int?) -> (widths: [Int], excess: Int) {
    var widths = columns.map(\.title.displayWidth)
    for row in rows {
      for (c, cell) in row.enumerated() { widths[c] = max(widths[c], cell.text.displayWidth) }
    }
    guard let width else { return (widths, 0) }
    var excess = widths.reduce(0, +) + Self.gutter * (columns.count - 1) + indent - width
    // Sentences give way before names do.
    shrink(&widths, &excess, columns.indices.filter { columns[$0].overflow == .wrap }, downTo: Self.narrowSentence)
    shrink(&widths, &excess, columns.indices.filter { columns[$0].overflow != .never }, downTo: Self.narrowest)
    return (widths, excess)
  }

  /// Narrows the widest of some columns until the table fits or they are as narrow as they may get.
  private func shrink(_ widths: inout [Int], _ excess: inout Int, _ flexible: [Int], downTo narrowest: Int) {
    while excess > 0, let widest = flexible.max(by: { widths[$0] < widths[$1] }), widths[widest] > narrowest {
      let next = flexible.filter { widths[$0] < widths[widest] }.map { widths[$0] }.max() ?? 0
      let cut = max(1, min(excess, widths[widest] - max(next, narrowest)))
      widths[widest] -= cut
      excess -= cut
    }
  }

  private func append(_ row: [Cell], _ widths: [Int], _ style: TerminalStyle, to text: inout String) {
    let cells = row.enumerated().map { c, cell in fit(cell.text, widths[c], columns[c].overflow) }
    for line in 0..<(cells.map(\.count).max() ?? 0) {
      var output = ""
      // Spaces are written once something follows them, so that no line ends in any.
      var pending = indent
      for (c, lines) in cells.enumerated() {
        let piece = line < lines.count ? lines[line] : ""
        let padding = widths[c] - piece.displayWidth
        if columns[c].isNumeric { pending += padding }
        if !piece.isEmpty {
          output += String(repeating: " ", count: pending) + style.apply(row[c].emphasis, to: piece)
          pending = 0
        }
        if !columns[c].isNumeric { pending += padding }
        pending += Self.gutter
      }
      text += output + "\n"
    }
  }

  private func fit(_ text: String, _ width: Int, _ overflow: Overflow) -> [String] {
    switch overflow {
    case .never: [text]
    case .truncate: [text.truncated(to: width)]
    case .truncateMiddle: [text.truncatedInMiddle(to: width)]
    case .wrap: text.wrapped(to: width)
    }
  }
}
