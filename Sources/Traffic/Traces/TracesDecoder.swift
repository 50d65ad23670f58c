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

  mutating func end() {
    finder.endDump()
  }

  mutating func finish(_ sources: [String], _ format: TrafficFormat) -> TrafficDump {
    let (graph, tally) = finder.finish()
    return tally.dump(of: graph, sources, format, noun: "spans")
  }
}
