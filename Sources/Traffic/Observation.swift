/// The dumps of one observation, each taken in by the decoder of its kind.
///
/// All dumps of a kind share one decoder, so that it can hold what one of them says against what the others say.
struct Observation: Sendable {
  private struct Kind<Decoder: Sendable>: Sendable {
    /// The format of the first dump.
    var format: TrafficFormat
    var sources: [String] = []
    var decoder: Decoder
  }

  private let format: TrafficFormat?
  private let window: Duration?
  private var documents: [Kind<any DocumentDecoder>] = []
  private var tables: [Kind<any TableDecoder>] = []

  private var source = ""
  private var metric: String?
  /// Index of the kind of the dump that is being read, in one of the two; nil until it is recognized.
  private var document: Int?
  private var table: Int?

  init(format: TrafficFormat?, window: Duration?) {
    self.format = format
    self.window = window
  }

  /// Begins a dump.
  mutating func begin(_ source: String, metric: String?) {
    self.source = source
    self.metric = metric
    document = nil
    table = nil
  }

  /// Ends the dump; false where nothing was in it.
  mutating func end() -> Bool {
    if let document {
      documents[document].sources.append(source)
      documents[document].decoder.end()
    }
    if let table {
      tables[table].sources.append(source)
      tables[table].decoder.end()
    }
    return document != nil || table != nil
  }

  /// What all dumps say together, by kind.
  mutating func finish() -> [TrafficDump] {
    documents.indices.map { documents[$0].decoder.finish(documents[$0].sources, documents[$0].format) }
      + tables.indices.map { tables[$0].decoder.finish(tables[$0].sources, tables[$0].format) }
  }
}

// MARK: JSON

/// Decodes the documents of one kind, in all dumps that have any.
protocol DocumentDecoder: TrafficDecoder {
  /// Begins a dump of a format, with the metric that its series without a name stand for.
  mutating func begin(_ format: TrafficFormat, metric: String?)
  /// Reads one document, whose first byte the cursor stands at.
  mutating func read(_ cursor: inout JSONCursor) throws(TrafficError)
}

extension DocumentDecoder {
  mutating func begin(_ format: TrafficFormat, metric: String?) {}
}

extension Observation: DocumentReader {
  mutating func read(_ document: JSONDocument) throws(TrafficError) {
    var cursor = JSONCursor(document)
    if let kind = self.document { return try documents[kind].decoder.read(&cursor) }
    let format = if let format { Optional(format) } else { try recognizeFormat(of: cursor) }
    guard let format else {
      throw cursor.error(
        .unrecognized,
        "found JSON of no known format, expected one of \(TrafficFormat.allCases.map(\.name).joined(separator: ", "))"
      )
    }
    let kind = documents.firstIndex { $0.format.kind == format.kind } ?? documents.count
    if kind == documents.count { documents.append(Kind(format: format, decoder: makeDecoder(format))) }
    documents[kind].decoder.begin(format, metric: metric)
    self.document = kind
    try documents[kind].decoder.read(&cursor)
  }

  private func makeDecoder(_ format: TrafficFormat) -> any DocumentDecoder {
    switch format.kind {
    case .prometheus: PrometheusDecoder()
    case .kiali: KialiDecoder()
    case .hubble: HubbleDecoder(window: window)
    case .jaegerDependencies: DependenciesDecoder(window: window)
    case .jaegerTraces: TracesDecoder(window: window)
    default: preconditionFailure("\(format) is a table, which the scanner cuts into rows")
    }
  }
}

// MARK: Tables

/// Decodes the rows of tables of one kind, in all dumps that have any.
protocol TableDecoder: TrafficDecoder, RowReader {
  /// Begins a table, whose columns may stand in another order than in the one before.
  mutating func begin(_ header: Header) throws(TrafficError)
}

extension Observation: RowReader {
  mutating func read(_ row: Row) throws(TrafficError) {
    if let table { return try tables[table].decoder.read(row) }
    let header = Header(row, source: source)
    let format = if let format = self.format { format } else { try tableFormat(header) }
    let kind = tables.firstIndex { $0.format == format } ?? tables.count
    if kind < tables.count {
      try tables[kind].decoder.begin(header)
    } else if format == .csv {
      tables.append(Kind(format: format, decoder: try EdgeTable(header: header)))
    } else {
      tables.append(Kind(format: format, decoder: try CallGraphTable(header: header, window: window)))
    }
    table = kind
  }

  private func tableFormat(_ header: Header) throws(TrafficError) -> TrafficFormat {
    if EdgeTable.recognizes(header) { return .csv }
    if CallGraphTable.recognizes(header) { return .alibaba }
    throw TrafficError(
      code: .unrecognized,
      source: source,
      line: header.line,
      message: "found \(header.excerpt), expected JSON, or a CSV header with the columns source and destination "
        + "or traceid, um and dm"
    )
  }
}
