/// Alibaba's microservices call graph (`MSCallGraph`), in the columns of 2021 or 2022: one call a row, or two.
///
/// A call is counted once, though both of its sides may have recorded it: rows with the same trace, rpcid, caller and
/// callee are one call. (Rows of one rpcid whose ends differ are different calls; the publishers say that some callers
/// reused the id.) Rows whose caller or callee has no known name are left out. The caller `USER` is outside.
/// Timestamps are milliseconds; the rates are over the time that they cover.
struct CallGraphTable: Table {
  /// What stands where a name is not known.
  private static let unknownNames: [StaticString] = ["", "(?)", "UNKNOWN", "UNAVAILABLE", "nan", "NaN"]

  private let header: Header
  private let window: Duration?
  private let timestampColumn: Int
  private let traceColumn: Int
  private let callColumn: Int
  private let callerColumn: Int
  private let calleeColumn: Int

  /// -1 stands for an unknown name.
  private var names = NameTable()
  private var recent: RecentCalls
  private var graph = TrafficGraph()
  private var time = ObservedTime()
  private var tally = Tally()

  static func recognizes(_ header: Header) -> Bool {
    header.names.contains("traceid") && header.names.contains("um") && header.names.contains("dm")
  }

  init(header: Header, window: Duration?, recent: RecentCalls = RecentCalls()) throws(TrafficError) {
    self.header = header
    self.window = window
    self.recent = recent
    timestampColumn = try header.required("timestamp")
    traceColumn = try header.required("traceid")
    callColumn = try header.required("rpcid", "rpc_id")
    callerColumn = try header.required("um")
    calleeColumn = try header.required("dm")
  }

  mutating func read(_ row: Row) throws(TrafficError) {
    try header.check(row)
    tally.records += 1
    guard let milliseconds = decimal(row[timestampColumn]), milliseconds.isFinite else {
      throw TrafficError(
        code: .unexpected,
        source: header.source,
        line: row.line,
        message: "found \(row[timestampColumn].excerpt) in the column timestamp, expected milliseconds"
      )
    }
    time.add(milliseconds / 1000)

    let caller = endpoint(row[callerColumn])
    let callee = endpoint(row[calleeColumn])
    guard caller >= 0, callee >= 0 else { return tally.drop("the name of the caller or the callee is not known") }
    let ends = UInt64(truncatingIfNeeded: caller) << 32 | UInt64(truncatingIfNeeded: callee)
    let call = fingerprint(row[callColumn], seed: fingerprint(row[traceColumn], seed: ends))
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

  func finish() -> TrafficDump {
    var rates = graph
    rates.scale(by: 1 / time.seconds(window: window))
    return tally.dump(of: rates, source: header.source, format: .alibaba, noun: "rows")
  }
}
