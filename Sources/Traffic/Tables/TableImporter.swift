/// Imports formats that are tables of comma-separated values, told apart by their header.
struct TableImporter: TrafficImporter {
  private var scanner: RowScanner
  private var tables: Tables

  init(source: String, format: TrafficFormat?, options: TrafficReader.Options, line: Int) {
    scanner = RowScanner(source: source, line: line)
    tables = Tables(source: source, format: format, options: options)
  }

  mutating func read(_ chunk: UnsafeRawBufferPointer) throws(TrafficError) {
    try scanner.scan(chunk, into: &tables)
  }

  mutating func finish() throws(TrafficError) -> TrafficDump {
    try scanner.finish(into: &tables)
    guard let dump = tables.table?.finish() else {
      throw TrafficError(code: .unrecognized, source: tables.source, message: "found no rows, expected a header")
    }
    return dump
  }
}

/// A table whose header has been read.
protocol Table: RowReader, Sendable {
  /// Ends the table.
  func finish() -> TrafficDump
}

/// Takes the header and from then on hands rows to the table that it belongs to.
private struct Tables: RowReader {
  let source: String
  let format: TrafficFormat?
  let options: TrafficReader.Options
  var table: (any Table)?

  mutating func read(_ row: Row) throws(TrafficError) {
    if table != nil {
      try table?.read(row)
    } else {
      table = try open(Header(row, source: source))
    }
  }

  private func open(_ header: Header) throws(TrafficError) -> any Table {
    if format == .csv || format == nil && EdgeTable.recognizes(header) {
      return try EdgeTable(header: header)
    }
    if format == .alibaba || format == nil && CallGraphTable.recognizes(header) {
      return try CallGraphTable(header: header, window: options.window)
    }
    throw TrafficError(
      code: .unrecognized,
      source: source,
      line: header.line,
      message: "found \(header.excerpt), expected JSON, or a CSV header with the columns source and destination "
        + "or traceid, um and dm"
    )
  }
}
