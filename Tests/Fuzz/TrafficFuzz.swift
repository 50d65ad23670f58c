import Traffic

/// What libFuzzer calls with every input: a format, a size of chunks, and the dump.
///
/// It looks for crashes, hangs and, by the address sanitizer, for reads past a chunk's end, and holds the reader to
/// what it promises: the outcome does not depend on the chunks, and rates are sound.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let input = UnsafeBufferPointer(start: data, count: count)
  guard count > 2 else { return 0 }
  let formats = [nil] + TrafficFormat.allCases.map(Optional.some)
  let format = formats[Int(input[0]) % formats.count]
  let dump = Array(input[2...])
  let whole = outcome(of: dump, chunk: dump.count, format: format)
  let chunked = outcome(of: dump, chunk: max(1, Int(input[1])), format: format)
  precondition(whole == chunked, "the outcome depends on the chunks:\n\(whole)\n\(chunked)")
  return 0
}

private func outcome(of dump: [UInt8], chunk: Int, format: TrafficFormat?) -> String {
  var reader = TrafficReader(source: "dump", format: format, options: .init(documentLimit: 1 << 20))
  do {
    var rest = dump[...]
    while !rest.isEmpty {
      // A copy of its own, so that the sanitizer knows where the chunk ends.
      try Array(rest.prefix(chunk)).withUnsafeBufferPointer { (bytes) throws(TrafficError) in
        try reader.read(UnsafeRawBufferPointer(bytes))
      }
      rest = rest.dropFirst(chunk)
    }
    let result = try reader.finish()
    for rate in result.graph.edges.flatMap({ [$0.bytesPerSecond, $0.requestsPerSecond] }) {
      precondition(rate.map { $0 >= 0 && $0.isFinite } ?? true, "a rate is \(rate ?? .nan)")
    }
    return "\(result.records) \(result.graph.endpoints) \(result.graph.edges) \(result.warnings)"
  } catch {
    return "\(error)"
  }
}
