/// Decodes traces in Jaeger's format and in OTLP's.
///
/// The spans of one trace may be in several dumps, as where each node has a collector of its own, and the same span may
/// be in more than one.
struct TracesDecoder: DocumentDecoder {
  var finder: CallFinder
  private var format = TrafficFormat.otlp

  init(window: Duration?) {
    finder = CallFinder(window: window)
  }

  mutating func begin(_ format: TrafficFormat, metric: String?) {
    self.format = format
  }

  mutating func read(_ cursor: inout JSONCursor) throws(TrafficError) {
    if format == .otlp {
      try readOTLP(&cursor)
    } else {
      try readJaeger(&cursor)
    }
  }

  /// Reads a `{"key": …, "value": …}` to its end; answers the key and where the value begins, or nil for one that spans are
  /// not known by.
  func readAttribute(_ cursor: inout JSONCursor) throws(TrafficError) -> (name: JSONText, value: JSONCursor)? {
    var name: JSONText?
    var value: JSONCursor?
    try cursor.beginObject()
    while let key = try cursor.nextKey() {
      if key == "key" {
        name = try cursor.text()
      } else {
        if key == "value" { value = cursor }
        try cursor.skip()
      }
    }
    guard let name, let value, SpanAttributes.uses(name) else { return nil }
    return (name, value)
  }

  mutating func end() {
    finder.endDump()
  }

  mutating func finish(_ sources: [String], _ format: TrafficFormat) -> TrafficDump {
    let (graph, tally) = finder.finish()
    return tally.dump(of: graph, sources, format, noun: "spans")
  }
}
