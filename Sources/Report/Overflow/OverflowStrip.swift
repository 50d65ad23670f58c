import Model

/// An ``OverflowSeries`` as a terminal shows it: columns of blocks, time from left to right.
package struct OverflowStrip: Sendable {
  private static let marks: [Character] = ["▒", "░", "▚", "▞"]
  private static let height = 9
  private static let mostColumns = 64
  private static let margin = 9

  private let series: OverflowSeries

  /// Makes a strip.
  package init(_ series: OverflowSeries) {
    self.series = series
  }

  /// The strip as lines, each with a line feed at its end.
  package func text(_ style: TerminalStyle) -> String {
    let columns = max(8, min(Self.mostColumns, (style.width ?? 80) - Self.margin - 2))
    let shown = series.drawable(most: columns)
    let highest = max(1, shown.capacity ?? 0, shown.points.map(\.total).max() ?? 0)
    let stacks = shown.points.map { stack($0, highest: highest) }
    let limit = shown.capacity.map { level($0, of: highest) }
    var lines = ["requests per minute"]
    for row in (1...Self.height).reversed() {
      let isLimit = row == limit
      let label =
        row == Self.height ? Human.number(highest) : isLimit ? Human.number(shown.capacity ?? 0) : ""
      let cells = stacks.map { stack in row <= stack.count ? stack[row - 1] : isLimit ? "╌" : " " }
      lines.append(padded(label) + (isLimit ? " ┼" : " ┤") + painted(cells, style))
    }
    lines.append(padded("0") + " └" + String(repeating: "─", count: stacks.count))
    let span = Human.duration(.seconds(saturating: (shown.points.last?.time ?? 0) - (shown.points.first?.time ?? 0)))
    let gap = String(repeating: " ", count: max(1, stacks.count - 1 - span.count))
    lines.append(String(repeating: " ", count: Self.margin) + "0" + gap + span)
    return lines.map { "  " + $0 + "\n" }.joined() + legend(style) + "\n"
  }

  /// The cells of a column from below. Each part takes what it is worth in whole cells, rounded on its upper edge.
  private func stack(_ point: OverflowSeries.Point, highest: Double) -> [Character] {
    var cells: [Character] = []
    var sum = 0.0
    func add(_ value: Double, _ mark: Character) {
      sum += max(0, value)
      let upTo = level(sum, of: highest)
      if upTo > cells.count { cells += Array(repeating: mark, count: upTo - cells.count) }
    }
    add(point.local, "█")
    for k in series.neighbours.indices { add(point.remote[k], Self.marks[k % Self.marks.count]) }
    add(point.shed, "×")
    return cells
  }

  private func level(_ rate: Double, of highest: Double) -> Int {
    min(Self.height, Int(saturating: (rate / highest * Double(Self.height)).rounded()))
  }

  private func painted(_ cells: [Character], _ style: TerminalStyle) -> String {
    var text = ""
    var rest = cells[...]
    while let mark = rest.first {
      let run = rest.prefix { $0 == mark }
      text += style.apply(emphasis(mark), to: String(run))
      rest = rest.dropFirst(run.count)
    }
    return text
  }

  private func emphasis(_ mark: Character) -> TerminalStyle.Emphasis {
    switch mark {
    case "█": .good
    case " ": .plain
    case "╌": .faint
    default: .warning
    }
  }

  private func legend(_ style: TerminalStyle) -> String {
    var parts = [("█", "served here")]
    parts += series.neighbours.enumerated().map { (String(Self.marks[$0 % Self.marks.count]), $1.printable) }
    if series.points.contains(where: { $0.shed > 0 }) { parts.append(("×", "turned away")) }
    let items = parts.map { style.apply(emphasis(Character($0.0)), to: $0.0) + " " + $0.1 }
    return String(repeating: " ", count: Self.margin + 2) + items.joined(separator: "   ")
  }

  private func padded(_ label: String) -> String {
    String(repeating: " ", count: max(0, Self.margin - 2 - label.count)) + label
  }
}
