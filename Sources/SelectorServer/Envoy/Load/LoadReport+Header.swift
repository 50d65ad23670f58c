import EnvoyProtocol
import Foundation
package import Selection
import SwiftProtobuf

extension LoadReport {
  /// What a replica says of its load in a header of its response; nil where that is malformed or says nothing that counts.
  ///
  /// Header `endpoint-load-metrics-bin` holds an ORCA report as base64. Header `endpoint-load-metrics` says first what
  /// follows: `BIN ` the same, `JSON ` the report as JSON, `TEXT ` or nothing a list such as
  /// `cpu_utilization=0.3,rps_fractional=120,named_metrics.in_flight=4`, whose names nobody has to know.
  ///
  /// - Parameters:
  ///   - value: the header's value.
  ///   - isBinaryHeader: whether the header's name ends in `-bin`.
  package init?(endpointLoadMetrics value: some Sequence<UInt8>, isBinaryHeader: Bool) {
    let load =
      value.withContiguousStorageIfAvailable { Self.load(of: $0[...], isBinary: isBinaryHeader) }
      ?? Array(value).withUnsafeBufferPointer { Self.load(of: $0[...], isBinary: isBinaryHeader) }
    guard let load else { return nil }
    self = load
  }

  private typealias Bytes = Slice<UnsafeBufferPointer<UInt8>>

  private static func load(of value: Bytes, isBinary: Bool) -> LoadReport? {
    if isBinary { return load(base64: value) }
    if let rest = value.dropping("BIN ") { return load(base64: rest) }
    if let rest = value.dropping("JSON ") { return load(json: rest) }
    return load(text: value.dropping("TEXT ") ?? value)
  }

  private static func load(base64 value: Bytes) -> LoadReport? {
    // gRPC leaves the padding out, and Foundation wants it.
    var text = Data(value.trimmed)
    while text.count % 4 != 0 { text.append(UInt8(ascii: "=")) }
    guard let bytes = Data(base64Encoded: text),
      let report = try? Xds_Data_Orca_V3_OrcaLoadReport(serializedBytes: bytes)
    else { return nil }
    return LoadReport(report)
  }

  private static func load(json value: Bytes) -> LoadReport? {
    var options = JSONDecodingOptions()
    options.ignoreUnknownFields = true
    guard let report = try? Xds_Data_Orca_V3_OrcaLoadReport(jsonUTF8Bytes: Array(value), options: options) else {
      return nil
    }
    return LoadReport(report)
  }

  private static func load(text value: Bytes) -> LoadReport? {
    var figures = OrcaFigures()
    var rest = value
    while !rest.isEmpty {
      let entry = rest.prefix { $0 != UInt8(ascii: ",") }.trimmed
      rest = rest[min(entry.endIndex, rest.endIndex)...].drop { $0 != UInt8(ascii: ",") }.dropFirst()
      guard !entry.isEmpty else { continue }
      // Envoys before 1.32 wrote a colon.
      guard let end = entry.firstIndex(where: { $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: ":") }),
        let number = number(entry[(end + 1)...].trimmed)
      else { return nil }
      figures.set(number, of: entry[..<end].trimmed)
    }
    return figures.load
  }

  /// A number; nil where it is none. Such as people write are exact without asking the library.
  private static func number(_ text: Bytes) -> Double? {
    var digits = 0
    var mantissa = 0
    var decimals: Int?
    for byte in text {
      if byte == UInt8(ascii: "."), decimals == nil {
        decimals = 0
        continue
      }
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte), digits < powersOfTen.count - 1 else {
        return Double(String(decoding: text, as: UTF8.self))
      }
      mantissa = 10 * mantissa + Int(byte - UInt8(ascii: "0"))
      digits += 1
      if let known = decimals { decimals = known + 1 }
    }
    return digits > 0 ? Double(mantissa) / powersOfTen[decimals ?? 0] : nil
  }

  private static let powersOfTen = (0...15).map { exponent in (0..<exponent).reduce(1.0) { power, _ in power * 10 } }
}

extension Slice<UnsafeBufferPointer<UInt8>> {
  /// What follows a beginning; nil where it begins otherwise.
  fileprivate func dropping(_ beginning: StaticString) -> Self? {
    beginning.withUTF8Buffer { starts(with: $0) } ? dropFirst(beginning.utf8CodeUnitCount) : nil
  }

  /// Without blanks around it.
  fileprivate var trimmed: Self {
    var (start, end) = (startIndex, endIndex)
    while start < end, self[start] == 0x20 || self[start] == 0x09 { start += 1 }
    while start < end, self[end - 1] == 0x20 || self[end - 1] == 0x09 { end -= 1 }
    return self[start..<end]
  }
}
