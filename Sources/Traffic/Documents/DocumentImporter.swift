/// Imports formats that are JSON: one document, several in a row, or JSON lines.
struct DocumentImporter: TrafficImporter {
  private var framer: JSONFramer
  private var documents: Documents

  init(source: String, format: TrafficFormat?, options: TrafficReader.Options, line: Int) {
    framer = JSONFramer(source: source, line: line, limit: options.documentLimit)
    documents = Documents(source: source, format: format, options: options)
  }

  mutating func read(_ chunk: UnsafeRawBufferPointer) throws(TrafficError) {
    try framer.scan(chunk, into: &documents)
  }

  mutating func finish() throws(TrafficError) -> TrafficDump {
    try framer.finish()
    return try documents.finish()
  }
}

/// Decodes the documents of one format.
protocol DocumentDecoder: Sendable {
  /// Reads one document, whose first byte the cursor stands at.
  mutating func read(_ cursor: inout JSONCursor) throws(TrafficError)
  /// Ends the dump.
  mutating func finish() -> TrafficDump
}

/// Recognizes the format in the first document and hands all documents to its decoder.
private struct Documents: DocumentReader {
  let source: String
  let format: TrafficFormat?
  let options: TrafficReader.Options
  var decoder: (any DocumentDecoder)?

  mutating func read(_ document: JSONDocument) throws(TrafficError) {
    var cursor = JSONCursor(document)
    if decoder == nil {
      let format = if let format { Optional(format) } else { try recognizeFormat(of: cursor) }
      guard let format else {
        throw cursor.error(
          .unrecognized,
          "found JSON of no known format, expected one of \(TrafficFormat.allCases.map(\.name).joined(separator: ", "))"
        )
      }
      decoder = makeDecoder(format)
    }
    try decoder?.read(&cursor)
  }

  mutating func finish() throws(TrafficError) -> TrafficDump {
    guard let dump = decoder?.finish() else {
      throw TrafficError(code: .unrecognized, source: source, message: "found no JSON, expected a traffic dump")
    }
    return dump
  }

  private func makeDecoder(_ format: TrafficFormat) -> any DocumentDecoder {
    switch format {
    case .prometheus: PrometheusDecoder(source: source, options: options)
    case .kiali: KialiDecoder(source: source)
    case .hubble: HubbleDecoder(source: source, options: options)
    case .jaegerDependencies: DependenciesDecoder(source: source, options: options)
    case .jaegerTraces: JaegerTracesDecoder(source: source, options: options)
    case .otlp: OTLPDecoder(source: source, options: options)
    default: preconditionFailure("\(format) is a table, which TrafficReader gives to the table importer")
    }
  }
}
