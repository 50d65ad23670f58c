extension TracesDecoder {
  /// Reads traces in OTLP's JSON: `{"resourceSpans": […]}`, Tempo's `{"batches": […]}` and `{"trace": {…}}`, Jaeger's
  /// `{"result": {…}}` (version 3 of its API), one element of these lists, and the JSON lines that the OpenTelemetry
  /// collector writes to files.
  mutating func readOTLP(_ cursor: inout JSONCursor) throws(TrafficError) {
    guard cursor.kind() == .object else { return try readBatches(&cursor) }
    let start = cursor
    var wrapped: JSONCursor?
    var isBatch = false
    var hasSpans = false
    try cursor.beginObject()
    while let key = try cursor.nextKey() {
      switch key {
      case "batches", "resourceSpans":
        hasSpans = true
        try readBatches(&cursor)
      case "trace", "result":
        wrapped = cursor
        try cursor.skip()
      case "scopeSpans", "instrumentationLibrarySpans":
        isBatch = true
        try cursor.skip()
      case "error" where cursor.kind() == .object: try refuseJaegerError(&cursor)
      default: try cursor.skip()
      }
    }
    if isBatch {
      var batch = start
      return try readBatch(&batch)
    }
    if var wrapped { hasSpans = try readWrapped(&wrapped) || hasSpans }
    guard hasSpans else { throw start.error(.unexpected, "found neither resourceSpans nor batches, expected one") }
  }

  /// Reads the spans of a trace in a wrapping; answers whether it is one, if without spans.
  private mutating func readWrapped(_ cursor: inout JSONCursor) throws(TrafficError) -> Bool {
    var isEmpty = true
    var hasSpans = false
    try cursor.beginObject()
    while let key = try cursor.nextKey() {
      isEmpty = false
      if key == "batches" || key == "resourceSpans" {
        hasSpans = true
        try readBatches(&cursor)
      } else {
        try cursor.skip()
      }
    }
    return hasSpans || isEmpty
  }

  private mutating func readBatches(_ cursor: inout JSONCursor) throws(TrafficError) {
    try cursor.beginArray()
    while try cursor.nextElement() { try readBatch(&cursor) }
  }

  private mutating func readBatch(_ cursor: inout JSONCursor) throws(TrafficError) {
    var resource = SpanAttributes()
    var scopes: [JSONCursor] = []
    try cursor.beginObject()
    while let key = try cursor.nextKey() {
      switch key {
      case "resource":
        try cursor.beginObject()
        while let key = try cursor.nextKey() {
          if key == "attributes" { try readAttributes(&cursor, into: &resource) } else { try cursor.skip() }
        }
      case "scopeSpans", "instrumentationLibrarySpans":
        scopes.append(cursor)
        try cursor.skip()
      default: try cursor.skip()
      }
    }
    for var scope in scopes { try readScopes(&scope, resource) }
  }

  private mutating func readScopes(_ cursor: inout JSONCursor, _ resource: SpanAttributes) throws(TrafficError) {
    try cursor.beginArray()
    while try cursor.nextElement() {
      try cursor.beginObject()
      while let key = try cursor.nextKey() {
        guard key == "spans" else {
          try cursor.skip()
          continue
        }
        try cursor.beginArray()
        while try cursor.nextElement() { try readSpan(&cursor, resource) }
      }
    }
  }

  private mutating func readSpan(_ cursor: inout JSONCursor, _ resource: SpanAttributes) throws(TrafficError) {
    let start = cursor
    var span = Span()
    try cursor.beginObject()
    while let key = try cursor.nextKey() {
      switch key {
      case "traceId", "traceID": span.traceID = try cursor.string()
      case "spanId", "spanID": span.id = try cursor.string()
      case "parentSpanId", "parentSpanID": span.parentID = try cursor.string()
      case "kind":
        span.kind = cursor.kind() == .number ? SpanKind(number: try cursor.number()) : SpanKind(try cursor.string())
      case "startTimeUnixNano": span.start = try cursor.numberOrText() * 1e-9
      case "endTimeUnixNano": span.end = try cursor.numberOrText() * 1e-9
      case "attributes": try readAttributes(&cursor, into: &span.attributes)
      default: try cursor.skip()
      }
    }
    guard !span.id.isEmpty else { throw start.error(.unexpected, "found a span without spanId") }
    span.attributes.inherit(resource)
    finder.add(span)
  }

  /// Reads `[{"key": "service.name", "value": {"stringValue": "cart"}}]`.
  private func readAttributes(
    _ cursor: inout JSONCursor,
    into attributes: inout SpanAttributes
  ) throws(TrafficError) {
    try cursor.beginArray()
    while try cursor.nextElement() {
      guard let (name, start) = try readAttribute(&cursor) else { continue }
      var value = start
      try value.beginObject()
      while let type = try value.nextKey() {
        switch type {
        case "stringValue": attributes.add(name, .text(try value.string()))
        case "intValue", "doubleValue": attributes.add(name, .number(try value.numberOrText()))
        default: try value.skip()
        }
      }
    }
  }
}
