/// Goes through metrics in Prometheus' text format and picks those out that are wanted.
///
/// The bytes may be anything: a line that is wanted and cannot be read is an error, all others are passed over.
package enum PrometheusText {
  /// A line that was wanted and makes no sense.
  package struct Fault: Error, Hashable, CustomStringConvertible {
    /// What was found, and what was expected.
    package var description: String

    /// Says what makes no sense.
    package init(description: String) {
      self.description = description
    }
  }

  /// One series.
  package struct Sample: Hashable, Sendable {
    package var name: String
    package var labels: [String: String]
    package var value: Double
  }

  /// The longest line that is read.
  private static let longestLine = 64 << 10
  /// The longest name of a metric that is looked at.
  private static let longestName = 512

  /// What stands where metrics of a kind were expected and none is.
  package static func absence(of kind: String, in bytes: [UInt8]) -> Fault {
    let start = String(decoding: bytes.prefix(60), as: UTF8.self).split(separator: "\n").first ?? ""
    let found = bytes.isEmpty ? "nothing" : "'\(start)'"
    return Fault(description: "found \(found), expected metrics of \(kind) as Prometheus reads them")
  }

  /// Calls back for each series of the wanted metrics.
  ///
  /// - Parameters:
  ///   - bytes: what was answered.
  ///   - isWanted: whether a metric of a name is wanted; asked about each line.
  ///   - take: gets what is wanted.
  ///
  /// Throws ``Fault``, and what `take` throws.
  package static func read(
    _ bytes: [UInt8], where isWanted: (String) -> Bool, _ take: (Sample) throws -> Void
  ) throws {
    for line in bytes.split(separator: UInt8(ascii: "\n")) where line.first != UInt8(ascii: "#") {
      let name = line.prefix { $0 != UInt8(ascii: "{") && $0 != UInt8(ascii: " ") }
      guard name.count < longestName else { continue }
      let metric = String(decoding: name, as: UTF8.self)
      guard isWanted(metric) else { continue }
      guard line.count <= longestLine else { throw Fault(description: "found a line of \(line.count) bytes") }
      var rest = line[name.endIndex...]
      guard let labels = labels(&rest), let value = value(rest) else {
        throw Fault(description: "found '\(String(decoding: line.prefix(120), as: UTF8.self))', expected a metric")
      }
      try take(Sample(name: metric, labels: labels, value: value))
    }
  }

  /// The labels at the start, which are taken away; nil where they cannot be read.
  private static func labels(_ rest: inout ArraySlice<UInt8>) -> [String: String]? {
    guard rest.first == UInt8(ascii: "{") else { return [:] }
    rest = rest.dropFirst()
    var labels: [String: String] = [:]
    while true {
      rest = rest.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: ",") }
      guard let first = rest.first else { return nil }
      if first == UInt8(ascii: "}") {
        rest = rest.dropFirst()
        return labels
      }
      guard let equals = rest.firstIndex(of: UInt8(ascii: "=")),
        rest[equals...].dropFirst().first == UInt8(ascii: "\"")
      else { return nil }
      let name = String(decoding: rest[..<equals], as: UTF8.self)
      rest = rest[equals...].dropFirst(2)
      guard let value = quoted(&rest) else { return nil }
      labels[name] = value
    }
  }

  /// A text up to its closing quote, which is taken away too; nil where there is none.
  private static func quoted(_ rest: inout ArraySlice<UInt8>) -> String? {
    var text: [UInt8] = []
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "\"") { return String(decoding: text, as: UTF8.self) }
      guard byte == UInt8(ascii: "\\") else {
        text.append(byte)
        continue
      }
      guard let escaped = rest.popFirst() else { return nil }
      text.append(escaped == UInt8(ascii: "n") ? UInt8(ascii: "\n") : escaped)
    }
    return nil
  }

  /// A value, perhaps with a time behind it; nil where it is none, or not finite.
  private static func value(_ rest: ArraySlice<UInt8>) -> Double? {
    let text = rest.drop { $0 == UInt8(ascii: " ") }.prefix { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\r") }
    guard let value = Double(String(decoding: text, as: UTF8.self)), value.isFinite else { return nil }
    return value
  }
}
