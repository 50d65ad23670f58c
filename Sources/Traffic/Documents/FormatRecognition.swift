/// Tells by its keys which format a JSON document is of; nil where none has such keys.
func recognizeFormat(of document: JSONCursor) throws(TrafficError) -> TrafficFormat? {
  var cursor = document
  if cursor.kind() == .array { return try recognizeElements(of: cursor) ?? .jaegerDependencies }

  var hasStatus = false
  var hasErrorType = false
  var isAnswerOfJaeger = false
  var endsOfFlow = 0
  var dataFormat: TrafficFormat?
  try cursor.beginObject()
  while let key = try cursor.nextKey(includesNull: true) {
    switch key {
    case "elements":
      return .kiali
    case "flow", "verdict", "lost_events", "node_status", "agent_event", "debug_event":
      return .hubble
    case "source" where cursor.kind() == .object, "destination" where cursor.kind() == .object:
      // A flow of Hubble's of which a field mask left nothing but its ends.
      endsOfFlow += 1
    case "batches", "resourceSpans", "scopeSpans", "trace":
      return .otlp
    case "result" where cursor.kind() == .object, "error" where cursor.kind() == .object:
      // Version 3 of Jaeger's API.
      return .otlp
    case "spans", "processes":
      return .jaegerTraces
    case "status":
      hasStatus = true
    case "errorType":
      hasErrorType = true
    case "total", "limit", "offset", "errors":
      isAnswerOfJaeger = true
    case "data" where cursor.kind() == .object:
      dataFormat = try isTrace(cursor) ? .jaegerTraces : .prometheus
    case "data" where cursor.kind() == .array:
      // Jaeger answers both questions in the same wrapping; an empty answer says nothing to either.
      dataFormat = try recognizeElements(of: cursor) ?? .jaegerDependencies
    default:
      break
    }
    try cursor.skip()
  }
  if hasStatus, hasErrorType { return .prometheus }
  if endsOfFlow == 2 { return .hubble }
  return dataFormat ?? (isAnswerOfJaeger ? .jaegerDependencies : nil)
}

/// Whether an object is one of Jaeger's traces.
private func isTrace(_ object: JSONCursor) throws(TrafficError) -> Bool {
  var cursor = object
  try cursor.beginObject()
  while let key = try cursor.nextKey() {
    if key == "spans" { return true }
    try cursor.skip()
  }
  return false
}

/// Tells by the first element what an array is of; nil where it is empty or of nothing known.
private func recognizeElements(of array: JSONCursor) throws(TrafficError) -> TrafficFormat? {
  var cursor = array
  try cursor.beginArray()
  guard try cursor.nextElement(), cursor.kind() == .object else { return nil }
  try cursor.beginObject()
  while let key = try cursor.nextKey() {
    switch key {
    case "parent", "child", "callCount": return .jaegerDependencies
    case "traceID", "spans", "processes": return .jaegerTraces
    case "flow", "verdict": return .hubble
    case "resource", "scopeSpans": return .otlp
    default: try cursor.skip()
    }
  }
  return nil
}
