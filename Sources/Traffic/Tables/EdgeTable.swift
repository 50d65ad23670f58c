import Model

/// Tonari's own CSV: one traffic edge a row.
///
/// Columns, in any order: `source`, `destination` (`namespace/workload`, `default/` where left out), and
/// `bytes_per_second` or `requests_per_second` or both. An empty rate is an unknown one. Rows of one edge add up.
struct EdgeTable: TableDecoder {
  private struct Columns {
    let header: Header
    let source: Int
    let destination: Int
    let bytes: Int?
    let requests: Int?

    init(_ header: Header) throws(TrafficError) {
      self.header = header
      source = try header.required("source")
      destination = try header.required("destination")
      bytes = try header.column("bytes_per_second")
      requests = try header.column("requests_per_second")
      guard bytes != nil || requests != nil else {
        throw TrafficError(
          code: .unexpected,
          source: header.source,
          line: header.line,
          message: "found the header \(header.excerpt), expected a column bytes_per_second or requests_per_second"
        )
      }
    }
  }

  private var columns: Columns

  private var names = NameTable()
  private var graph = TrafficGraph()
  private var tally = Tally()

  static func recognizes(_ header: Header) -> Bool {
    header.names.contains("source") && header.names.contains("destination")
  }

  init(header: Header) throws(TrafficError) {
    columns = try Columns(header)
    warnOfOtherColumns()
  }

  mutating func begin(_ header: Header) throws(TrafficError) {
    columns = try Columns(header)
    warnOfOtherColumns()
  }

  private mutating func warnOfOtherColumns() {
    let known = [columns.source, columns.destination, columns.bytes, columns.requests]
    for (column, name) in columns.header.names.enumerated() where !known.contains(column) {
      tally.warn("the column '\(name)' is not used")
    }
  }

  mutating func read(_ row: Row) throws(TrafficError) {
    try columns.header.check(row)
    tally.records += 1
    let source = try endpoint(row, columns.source)
    let destination = try endpoint(row, columns.destination)
    let bytes = try columns.bytes.map { column throws(TrafficError) in try rate(row, column) } ?? nil
    let requests = try columns.requests.map { column throws(TrafficError) in try rate(row, column) } ?? nil
    graph.add(source: source, destination: destination, bytesPerSecond: bytes, requestsPerSecond: requests)
  }

  mutating func finish(_ sources: [String], _ format: TrafficFormat) -> TrafficDump {
    tally.dump(of: graph, sources, format, noun: "rows")
  }

  private mutating func endpoint(_ row: Row, _ column: Int) throws(TrafficError) -> Int {
    let name = row[column]
    if let known = names[name] { return known }
    guard let workload = WorkloadName(name.text) else {
      throw unexpected(row, column, expected: "a workload as namespace/name")
    }
    let index = graph.index(of: TrafficEndpoint(workload))
    names.insert(name, index)
    return index
  }

  @inline(__always)
  private func rate(_ row: Row, _ column: Int) throws(TrafficError) -> Double? {
    let field = row[column]
    guard !field.isEmpty else { return nil }
    guard let rate = decimal(field), rate.isRate else {
      throw unexpected(row, column, expected: "a rate of 0 or more")
    }
    return rate
  }

  private func unexpected(_ row: Row, _ column: Int, expected: String) -> TrafficError {
    TrafficError(
      code: .unexpected,
      source: columns.header.source,
      line: row.line,
      message: "found \(row[column].excerpt) in the column \(columns.header.names[column]), expected \(expected)"
    )
  }
}
