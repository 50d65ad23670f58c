extension TracesDecoder {
  /// Reads Jaeger's traces: one, or an array of them, with their spans and processes, bare or as `data` of an answer.
  mutating func readJaeger(_ cursor: inout JSONCursor) throws(TrafficError) {
    guard cursor.kind() == .object else { return try readTraces(&cursor) }
    let start = cursor
    var isTrace = false
    var hasData = false
    try cursor.beginObject()
    while let key = try cursor.nextKey() {
      switch key {
      case "data":
        hasData = true
        if cursor.kind() == .object { try readTrace(&cursor) } else { try readTraces(&cursor) }
      case "total", "limit", "offset":
        // In an answer without traces, data is null.
        hasData = true
        try cursor.skip()
      case "errors": try refuseJaegerErrors(&cursor)
      case "spans":
        isTrace = true
        try cursor.skip()
      default: try cursor.skip()
      }
    }
    if isTrace {
      var trace = start
      try readTrace(&trace)
    } else if !hasData {
      throw start.error(.unexpected, "found neither data nor spans, expected Jaeger's traces")
    }
  }

  private mutating func readTraces(_ cursor: inout JSONCursor) throws(TrafficError) {
    try cursor.beginArray()
    while try cursor.nextElement() { try readTrace(&cursor) }
  }

  private mutating func readTrace(_ cursor: inout JSONCursor) throws(TrafficError) {
    let start = cursor
    var spans: JSONCursor?
    var processes: [String: SpanAttributes] = [:]
    try cursor.beginObject()
    while let key = try cursor.nextKey() {
      switch key {
      case "spans":
        spans = cursor
        try cursor.skip()
      case "processes":
        try cursor.beginObject()
        while let id = try cursor.nextKey() { processes[id.string ?? id.raw.text] = try readProcess(&cursor) }
      default: try cursor.skip()
      }
    }
    guard var spans else { throw start.error(.unexpected, "found no spans, expected a trace") }
    try spans.beginArray()
    while try spans.nextElement() { try readSpan(&spans, processes) }
  }

  private func readProcess(_ cursor: inout JSONCursor) throws(TrafficError) -> SpanAttributes {
    var attributes = SpanAttributes()
    var serviceName: String?
    try cursor.beginObject()
    while let key = try cursor.nextKey() {
      switch key {
      case "serviceName": serviceName = try cursor.string()
      case "tags": _ = try readTags(&cursor, into: &attributes)
      default: try cursor.skip()
      }
    }
    attributes.service = serviceName ?? attributes.service
    return attributes
  }

  private mutating func readSpan(
    _ cursor: inout JSONCursor,
    _ processes: [String: SpanAttributes]
  ) throws(TrafficError) {
    let start = cursor
    var span = Span()
    var process = SpanAttributes()
    var duration = 0.0
    try cursor.beginObject()
    while let key = try cursor.nextKey() {
      switch key {
      case "traceID": span.traceID = try cursor.string()
      case "spanID": span.id = try cursor.string()
      case "parentSpanID": span.parentID = try cursor.string()
      case "references": try readReferences(&cursor, into: &span)
      case "startTime": span.start = try cursor.numberOrText() * 1e-6
      case "duration": duration = try cursor.numberOrText() * 1e-6
      case "processID": process = processes[try cursor.string()] ?? process
      case "process": process = try readProcess(&cursor)
      case "tags": span.kind = try readTags(&cursor, into: &span.attributes) ?? span.kind
      default: try cursor.skip()
      }
    }
    guard !span.id.isEmpty else { throw start.error(.unexpected, "found a span without spanID") }
    span.end = span.start.map { $0 + duration }
    span.attributes.inherit(process)
    finder.add(span)
  }

  /// Takes the parent from the references: `CHILD_OF` before `FOLLOWS_FROM`.
  private func readReferences(_ cursor: inout JSONCursor, into span: inout Span) throws(TrafficError) {
    try cursor.beginArray()
    while try cursor.nextElement() {
      var isChild = false
      var id = ""
      try cursor.beginObject()
      while let key = try cursor.nextKey() {
        switch key {
        case "refType": isChild = try cursor.text() == "CHILD_OF"
        case "spanID": id = try cursor.string()
        default: try cursor.skip()
        }
      }
      if isChild || span.parentID.isEmpty { span.parentID = id }
    }
  }

  /// Reads `[{"key": …, "type": …, "value": …}]`; answers the span's kind where it is among them.
  private func readTags(
    _ cursor: inout JSONCursor,
    into attributes: inout SpanAttributes
  ) throws(TrafficError) -> SpanKind? {
    var kind: SpanKind?
    try cursor.beginArray()
    while try cursor.nextElement() {
      guard let (name, start) = try readAttribute(&cursor) else { continue }
      var value = start
      switch value.kind() {
      case .string where name == "span.kind": kind = SpanKind(try value.string())
      case .string: attributes.add(name, .text(try value.string()))
      case .number: attributes.add(name, .number(try value.number()))
      default: break
      }
    }
    return kind
  }
}

extension SpanKind {
  /// The kind by its name in OpenTracing (`client`) or in OTLP (`SPAN_KIND_CLIENT`).
  init(_ name: String) {
    switch name.lowercased() {
    case "server", "span_kind_server": self = .server
    case "client", "span_kind_client": self = .client
    case "producer", "span_kind_producer": self = .producer
    case "consumer", "span_kind_consumer": self = .consumer
    default: self = .unspecified
    }
  }

  /// The kind by its number in OTLP.
  init(number: Double) {
    switch number {
    case 2: self = .server
    case 3: self = .client
    case 4: self = .producer
    case 5: self = .consumer
    default: self = .unspecified
    }
  }
}
