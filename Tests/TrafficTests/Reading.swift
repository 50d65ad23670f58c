import Model
import Testing

@testable import Traffic

/// Reads a dump given as bytes, in chunks of the given size.
func read(
  _ bytes: some Collection<UInt8>,
  chunk: Int = .max,
  format: TrafficFormat? = nil,
  options: TrafficReader.Options = .init()
) throws(TrafficError) -> TrafficDump {
  var reader = TrafficReader(format: format, options: options)
  try read(bytes, as: "dump", chunk: chunk, into: &reader)
  return reader.finish()[0]
}

/// Reads a dump of several, given as bytes.
func read(
  _ bytes: some Collection<UInt8>, as source: String, chunk: Int = .max, into reader: inout TrafficReader
) throws(TrafficError) {
  reader.begin(source)
  let bytes = Array(bytes)
  var start = 0
  while start < bytes.count {
    let end = start + min(chunk, bytes.count - start)
    // A copy of its own for every chunk, so that reading past its end is seen by the address sanitizer.
    let piece = Array(bytes[start..<end])
    try piece.withUnsafeBufferPointer { (buffer) throws(TrafficError) in
      try reader.read(UnsafeRawBufferPointer(buffer))
    }
    start = end
  }
  try reader.end()
}

/// Reads dumps given as text that are one observation, called `a`, `b` and so on.
func read(together dumps: [String], options: TrafficReader.Options = .init()) throws(TrafficError) -> [TrafficDump] {
  var reader = TrafficReader(options: options)
  for (index, dump) in dumps.enumerated() {
    try read(Array(dump.utf8), as: String(UnicodeScalar(UInt8(97 + index))), into: &reader)
  }
  return reader.finish()
}

/// Reads a dump given as text.
func read(
  _ text: String,
  chunk: Int = .max,
  format: TrafficFormat? = nil,
  options: TrafficReader.Options = .init()
) throws(TrafficError) -> TrafficDump {
  try read(Array(text.utf8), chunk: chunk, format: format, options: options)
}

/// One edge of a graph as text, such as `shop/a → shop/b: 12 B/s, 3/s`; outside ends are in brackets, peers in parentheses.
func lines(_ graph: TrafficGraph) -> [String] {
  func name(_ index: Int) -> String {
    let endpoint = graph.endpoints[index]
    return endpoint.isOutside ? "[\(endpoint)]" : endpoint.isPeer ? "(\(endpoint))" : "\(endpoint)"
  }
  func number(_ value: Double) -> String {
    let rounded = (value * 1000).rounded() / 1000
    return rounded == rounded.rounded() && abs(rounded) < 1e15 ? String(Int(rounded)) : String(rounded)
  }
  return graph.edges.map { edge in
    let rates = [
      edge.bytesPerSecond.map { "\(number($0)) B/s" }, edge.requestsPerSecond.map { "\(number($0))/s" },
    ]
    return "\(name(edge.source)) → \(name(edge.destination)): "
      + (rates.compactMap { $0 }.joined(separator: ", "))
  }
}
