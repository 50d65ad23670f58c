/// A table beside the pictures of an ``OverflowReport``.
package struct OverflowFigures: Sendable {
  /// The titles of its columns. All but the first are set as numbers.
  package var columns: [String]
  /// Its rows, each with as many cells as there are columns.
  package var rows: [[String]]

  /// Makes a table.
  package init(columns: [String], rows: [[String]]) {
    self.columns = columns
    self.rows = rows
  }

  var markup: Markup {
    let heads = columns.enumerated().map { k, title in
      "<th scope=\"col\"\(k > 0 ? " class=\"number\"" as Markup : "")>\(title)</th>" as Markup
    }
    let lines = rows.map { row -> Markup in
      let cells = row.enumerated().map { k, text in
        "<td class=\"\(k > 0 ? "number" : "name")\">\(text)</td>" as Markup
      }
      return "<tr>\(cells.joined())</tr>\n"
    }
    return """
      <section id="figures"><div class="scroll"><table><thead><tr>\(heads.joined())</tr></thead>
      <tbody>\(lines.joined())</tbody></table></div></section>

      """
  }
}
