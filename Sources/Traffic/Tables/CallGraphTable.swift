/// Alibaba's microservices call graph (`MSCallGraph`), in the columns of 2021 or 2022: one call a row, or two.
///
/// A call is counted once, though both of its sides may have recorded it: rows with the same trace, rpcid, caller and
/// callee are one call. (Rows of one rpcid whose ends differ are different calls; the publishers say that some callers
/// reused the id.) That holds across the files that the graph is published in. Rows whose caller or callee has no known name are left out. The caller `USER` is outside.
/// Timestamps are milliseconds; the rates are over the time that they cover.
struct CallGraphTable: TableDecoder {
  /// What stands where a name is not known.
  private static let unknownNames: [StaticString] = ["", "(?)", "UNKNOWN", "UNAVAILABLE", "nan", "NaN"]

  private struct Columns {
    let header: Header
    let timestamp: Int
    let trace: Int
    let call: Int
    let caller: Int
    let callee: Int

    init(_ header: Header) throws(TrafficError) {
      self.header = header
      timestamp = try header.required("timestamp")
      trace = try header.required("traceid")
      call = try header.required("rpcid", "rpc_id")
      caller = try header.required("um")
      callee = try header.required("dm")
    }
  }

  private let window: Duration?
  private var columns: Columns

  /// -1 stands for an unknown name.
  private var names = NameTable()
  private var recent: RecentRecords
  private var graph = TrafficGraph()
  private var time = ObservedTime()
  private var tally = Tally()

  static func recognizes(_ header: Header) -> Bool {
    header.names.contains("traceid") && header.names.contains("um") && header.names.contains("dm")
  }

  init(header: Header, window: Duration?, recent: RecentRecords = RecentRecords()) throws(TrafficError) {
    self.window = window
    self.recent = recent
    columns = try Columns(header)
  }

  mutating func begin(_ header: Header) throws(TrafficError) {
    columns = try Columns(header)
  }

  mutating func read(_ row: Row) throws(TrafficError) {
    try columns.header.check(row)
    tally.records += 1
    guard let milliseconds = decimal(row[columns.timestamp]), milliseconds.isFinite else {
      throw TrafficError(
        code: .unexpected,
        source: columns.header.source,
        line: row.line,
        message: "found \(row[columns.timestamp].excerpt) in the column timestamp, expected milliseconds"
      )
    }
    time.add(milliseconds / 1000)

    let caller = endpoint(row[columns.caller])
    let callee = endpoint(row[columns.callee])
    guard caller >= 0, callee >= 0 else { return tally.drop("the name of the caller or the callee is not known") }
    let ends = UInt64(truncatingIfNeeded: caller) << 32 | UInt64(truncatingIfNeeded: callee)
    let call = fingerprint(row[columns.call], seed: fingerprint(row[columns.trace], seed: ends))
    guard recent.insert(call) else { return tally.drop("recorded a second time by the other side") }
    graph.add(source: caller, destination: callee, bytesPerSecond: nil, requestsPerSecond: 1)
  }

  private mutating func endpoint(_ name: UnsafeRawBufferPointer) -> Int {
    if let known = names[name] { return known }
    let isUnknown = Self.unknownNames.contains { name.equals($0) }
    let index =
      isUnknown
      ? -1 : graph.index(of: TrafficEndpoint(namespace: nil, name: name.text, isOutside: name.equals("USER")))
    names.insert(name, index)
    return index
  }

  mutating func end() {
    time.endDump()
  }

  mutating func finish(_ sources: [String], _ format: TrafficFormat) -> TrafficDump {
    graph.scale(by: 1 / time.seconds(window: window))
    if window == nil, let warning = time.warning { tally.warn(warning) }
    return tally.dump(of: graph, sources, format, noun: "rows")
  }
}
