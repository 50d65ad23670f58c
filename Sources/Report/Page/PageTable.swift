/// A table that is sorted by a click on a column's title.
struct PageTable {
  struct Column {
    var title: String
    var isNumeric = false
    /// Whether the rows come sorted by it, from the highest.
    var isSorted = false
  }

  /// A cell: what it shows, and for numbers the value by which it is sorted.
  struct Cell {
    var content: Markup
    var value: Double?
    var style = ""

    static func text(_ text: String, _ style: String = "") -> Cell { Cell(content: "\(text)", style: style) }
    static func number(_ text: String, _ value: Double?, _ style: String = "") -> Cell {
      Cell(content: "\(text)", value: value, style: style)
    }
  }

  let id: String
  let caption: String
  let columns: [Column]
  private var rows: Markup = ""
  private(set) var count = 0

  init(id: String, caption: String, columns: [Column]) {
    self.id = id
    self.caption = caption
    self.columns = columns
  }

  /// Adds a row; `workloads` are those by which a search finds it, `edge` the ends of the edge that it is about.
  mutating func add(_ cells: [Cell], workloads: [Int] = [], edge: (u: Int, v: Int)? = nil) {
    count += 1
    rows += "<tr"
    if !workloads.isEmpty {
      rows += " data-s=\"\(workloads.map { "\($0)" }.joined(separator: " "))\""
    }
    if let edge { rows += " data-u=\"\(edge.u)\" data-v=\"\(edge.v)\"" }
    rows += ">"
    for (column, cell) in zip(columns, cells) {
      let style = column.isNumeric ? "number \(cell.style)" : cell.style
      rows += style.isEmpty ? "<td" : "<td class=\"\(style)\""
      // Numbers sort by their value, in full and in a form that a script reads.
      if let value = cell.value { rows += " data-v=\"\(value.isFinite ? "\(value)" : "0")\"" }
      rows += ">\(cell.content)</td>"
    }
    rows += "</tr>\n"
  }

  var markup: Markup {
    let heads = columns.map { column -> Markup in
      """
      <th scope="col"\(column.isNumeric ? " class=number" : "" as Markup) \
      aria-sort="\(column.isSorted ? "descending" : "none")"><button type="button">\(column.title)</button></th>
      """
    }
    return """
      <div class="scroll" tabindex="0" role="region" aria-label="\(caption)"><table id="\(id)">\
      <thead><tr>\(heads.joined())</tr></thead>
      <tbody>\(rows)</tbody></table></div>
      """
  }
}
