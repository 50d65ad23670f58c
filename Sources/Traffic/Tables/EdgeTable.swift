import Topology

/// Tonari's own CSV: one traffic edge a row.
///
/// Columns, in any order: `source`, `destination` (`namespace/workload`, `default/` where left out), and
/// `bytes_per_second` or `requests_per_second` or both. An empty rate is an unknown one. Rows of one edge add up.
struct EdgeTable: Table {
  private let header: Header
  private let sourceColumn: Int
  private let destinationColumn: Int
  private let bytesColumn: Int?
  private let requestsColumn: Int?

  private var names = NameTable()
  private var graph = TrafficGraph()
  private var tally = Tally()

  static func recognizes(_ header: Header) -> Bool {
    header.names.contains("source") && header.names.contains("destination")
  }

  init(header: Header) throws(TrafficError) {
    self.header = header
    sourceColumn = try header.required("source")
    destinationColumn = try header.required("destination")
    bytesColumn = try header.column("bytes_per_second")
    requestsColumn = try header.column("requests_per_second")
    guard bytesColumn != nil || requestsColumn != nil else {
      throw TrafficError(
        code: .unexpected,
        source: header.source,
        line: header.line,
        message: "found the header \(header.excerpt), expected a column bytes_per_second or requests_per_second"
      )
    }
    let known = [sourceColumn, destinationColumn, bytesColumn, requestsColumn]
    for column in header.names.indices where !known.contains(column) {
      tally.warn("the column '\(header.names[column])' is not used")
    }
  }

  mutating func read(_ row: Row) throws(TrafficError) {
    try header.check(row)
    tally.records += 1
    let source = try endpoint(row, sourceColumn)
    let destination = try endpoint(row, destinationColumn)
    let bytes = try bytesColumn.map { column throws(TrafficError) in try rate(row, column) } ?? nil
    let requests = try requestsColumn.map { column throws(TrafficError) in try rate(row, column) } ?? nil
    graph.add(source: source, destination: destination, bytesPerSecond: bytes, requestsPerSecond: requests)
  }

  func finish() -> TrafficDump {
    tally.dump(of: graph, source: header.source, format: .csv, noun: "rows")
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
      source: header.source,
      line: row.line,
      message: "found \(row[column].excerpt) in the column \(header.names[column]), expected \(expected)"
    )
  }
}
