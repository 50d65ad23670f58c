import Traffic

extension Fuzzer {
  /// Traffic dumps: a format, a size of chunks, and the dump. The outcome does not depend on the chunks, and rates are
  /// sound.
  static let traffic = Fuzzer(
    "traffic",
    words: [
      "source,destination,bytes_per_second,requests_per_second\n",
      "timestamp,traceid,service,rpc_id,rpctype,um,uminstanceid",
      #""status":"success""#, #""resultType":"matrix""#, #""metric":{"#, "istio_requests_total", #""values":[["#,
      #""elements":{"nodes":["#, #""resourceSpans":["#, #""scopeSpans":["#, #""spanID":""#, #""references":["#,
      #""callCount":"#, #""flow":{"#, "1e308", "-1", "NaN", "Inf", "5e-324", "18446744073709551616", "\u{FEFF}",
    ],
    longest: 40_000,
    seeds: files("Tests/TrafficTests/Fixtures", "manifests/examples/traffic.csv").map { [0, 255] + $0 }
  ) { bytes in
    var input = InputReader(bytes)
    let formats = [nil] + TrafficFormat.allCases.map(Optional.some)
    let format = formats[Int(input.byte()) % formats.count]
    let chunk = max(1, Int(input.byte()))
    let whole = try trafficOutcome(of: input.rest, chunk: max(1, input.rest.count), format: format)
    let chunked = try trafficOutcome(of: input.rest, chunk: chunk, format: format)
    try expect(whole == chunked, "the outcome depends on the chunks:\n\(whole)\n\(chunked)")
  }

  private static func trafficOutcome(
    of dump: UnsafeRawBufferPointer, chunk: Int, format: TrafficFormat?
  ) throws -> String {
    var reader = TrafficReader(format: format, options: .init(documentLimit: 1 << 20))
    reader.begin("dump")
    do throws(TrafficError) {
      var start = 0
      while start < dump.count {
        // A copy of its own, so that the sanitizer knows where the chunk ends.
        try Array(dump[start..<min(dump.count, start + chunk)]).withUnsafeBufferPointer {
          (bytes) throws(TrafficError) in
          try reader.read(UnsafeRawBufferPointer(bytes))
        }
        start += chunk
      }
      try reader.end()
    } catch {
      return "\(error)"
    }
    let result = reader.finish()[0]
    for rate in result.graph.edges.flatMap({ [$0.bytesPerSecond, $0.requestsPerSecond] }) {
      try expect(rate.map { $0 >= 0 && $0.isFinite } ?? true, "a rate is \(rate ?? .nan)")
    }
    return "\(result.records) \(result.graph.endpoints) \(result.graph.edges) \(result.warnings)"
  }
}
