/// The first row of a table: the names of its columns.
struct Header: Sendable {
  let source: String
  let line: Int
  /// The names in lower case, in order.
  let names: [String]
  /// The row for an error message.
  let excerpt: String

  init(_ row: Row, source: String) {
    self.source = source
    line = row.line
    names = row.fields.indices.map { row[$0].text.lowercased() }
    excerpt = row.bytes.contains(0) ? "binary data (an archive has to be unpacked first)" : row.bytes.excerpt
  }

  /// The index of the column that has one of the names; nil where there is none.
  ///
  /// Throws where two columns have one of the names.
  func column(_ candidates: String...) throws(TrafficError) -> Int? {
    let found = names.indices.filter { candidates.contains(names[$0]) }
    guard found.count <= 1 else {
      throw error("found the column \(names[found[0]]) twice")
    }
    return found.first
  }

  /// The index of the column that has one of the names, which must be there.
  func required(_ candidates: String...) throws(TrafficError) -> Int {
    let found = names.indices.filter { candidates.contains(names[$0]) }
    guard let first = found.first, found.count == 1 else {
      let expected = candidates.joined(separator: " or ")
      throw error("found \(found.isEmpty ? "no" : "more than one") column \(expected) in the header \(excerpt)")
    }
    return first
  }

  private func error(_ message: String) -> TrafficError {
    TrafficError(code: .unexpected, source: source, line: line, message: message)
  }

  /// Throws where a row has more or fewer fields than the header.
  @inline(__always)
  func check(_ row: Row) throws(TrafficError) {
    guard row.fields.count != names.count else { return }
    throw TrafficError(
      code: .malformed,
      source: source,
      line: row.line,
      message: "found \(row.fields.count) fields, expected \(names.count) as in the header"
    )
  }
}
