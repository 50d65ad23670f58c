/// Decodes Jaeger's service dependencies: an array of `{parent, child, callCount}`, bare or as `data` of an answer.
///
/// The counts carry no time. They are divided by the window that the options give, by default one second, so that they
/// stand as they are; their proportions are right in any case.
struct DependenciesDecoder: DocumentDecoder {
  private let window: Duration?
  private var graph = TrafficGraph()
  private var tally = Tally()

  init(window: Duration?) {
    self.window = window
  }

  mutating func read(_ cursor: inout JSONCursor) throws(TrafficError) {
    guard cursor.kind() == .object else { return try readLinks(&cursor) }
    let start = cursor
    var isAnswer = false
    try cursor.beginObject()
    while let key = try cursor.nextKey() {
      switch key {
      case "data", "dependencies":
        isAnswer = true
        try readLinks(&cursor)
      case "errors": try refuseJaegerErrors(&cursor)
      case "total", "limit", "offset":
        // In an answer without dependencies, data is null.
        isAnswer = true
        try cursor.skip()
      default: try cursor.skip()
      }
    }
    guard isAnswer else { throw start.error(.unexpected, "found no data, expected Jaeger's dependencies") }
  }

  private mutating func readLinks(_ cursor: inout JSONCursor) throws(TrafficError) {
    try cursor.beginArray()
    while try cursor.nextElement() {
      let link = cursor
      var parent: String?
      var child: String?
      var calls: Double?
      try cursor.beginObject()
      while let key = try cursor.nextKey() {
        switch key {
        case "parent": parent = try cursor.string()
        case "child": child = try cursor.string()
        case "callCount":
          let value = cursor
          let count = try cursor.numberOrText()
          guard count.isRate else { throw value.unexpected("a count of 0 or more") }
          calls = count
        default: try cursor.skip()
        }
      }
      guard let parent, let child, let calls else {
        throw link.error(.unexpected, "found a dependency without parent, child or callCount, expected all three")
      }
      tally.records += 1
      guard !parent.isEmpty, !child.isEmpty else {
        tally.drop("parent or child has no name")
        continue
      }
      graph.add(
        source: graph.index(of: TrafficEndpoint(namespace: nil, name: parent)),
        destination: graph.index(of: TrafficEndpoint(namespace: nil, name: child)),
        bytesPerSecond: nil,
        requestsPerSecond: calls
      )
    }
  }

  mutating func finish(_ sources: [String], _ format: TrafficFormat) -> TrafficDump {
    if let window {
      graph.scale(by: 1 / window.seconds)
    } else {
      tally.warn("call counts carry no time: they are taken as calls in one second; give the window to get rates")
    }
    return tally.dump(of: graph, sources, format, noun: "dependencies")
  }
}

/// Throws what Jaeger's answer says went wrong, in version 3 of its API: `{"httpCode": 404, "message": "…"}`.
func refuseJaegerError(_ cursor: inout JSONCursor) throws(TrafficError) {
  let place = cursor
  var message = "no message"
  try cursor.beginObject()
  while let key = try cursor.nextKey() {
    if key == "message" { message = try cursor.string() } else { try cursor.skip() }
  }
  throw place.error(.refused, "Jaeger answered with an error: \(message)")
}

/// Throws where Jaeger's answer has errors: `[{"code": 404, "msg": "…"}]`.
func refuseJaegerErrors(_ cursor: inout JSONCursor) throws(TrafficError) {
  try cursor.beginArray()
  while try cursor.nextElement() {
    let place = cursor
    var message = "no message"
    try cursor.beginObject()
    while let key = try cursor.nextKey() {
      if key == "msg" { message = try cursor.string() } else { try cursor.skip() }
    }
    throw place.error(.refused, "Jaeger answered with an error: \(message)")
  }
}
