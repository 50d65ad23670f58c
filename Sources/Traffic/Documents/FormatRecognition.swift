/// Tells by its keys which format a JSON document is of; nil where none has such keys.
func recognizeFormat(of document: JSONCursor) throws(TrafficError) -> TrafficFormat? {
  var cursor = document
  if cursor.kind() == .array { return try recognizeElements(of: cursor) ?? .jaegerDependencies }

  var hasStatus = false
  var hasError = false
  var dataFormat: TrafficFormat?
  try cursor.beginObject()
  while let key = try cursor.nextKey() {
    switch key {
    case "elements":
      return .kiali
    case "flow", "verdict", "lost_events", "node_status", "agent_event", "debug_event":
      return .hubble
    case "batches", "resourceSpans", "trace":
      return .otlp
    case "status":
      hasStatus = true
    case "errorType":
      hasError = true
    case "data" where cursor.kind() == .object:
      dataFormat = .prometheus
    case "data" where cursor.kind() == .array:
      // Jaeger answers both questions in the same wrapping; an empty answer says nothing to either.
      dataFormat = try recognizeElements(of: cursor) ?? .jaegerDependencies
    default:
      break
    }
    try cursor.skip()
  }
  return hasStatus && hasError ? .prometheus : dataFormat
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
