import Files

extension YAMLField {
  /// The most requests per minute that anything is said to bear: a hundred million each second.
  private static let mostPerMinute = 6e9

  /// A field that must be there.
  func required(_ name: String, in fields: [String: YAMLField]) throws(FileError) -> YAMLField {
    guard let field = fields[name] else { throw error("\(name): found nothing, expected a value") }
    return field
  }

  /// Refuses any text but this.
  func expect(_ wanted: String) throws(FileError) {
    guard try text() == wanted else { throw expected("'\(wanted)'") }
  }

  /// Requests per minute.
  func rate() throws(FileError) -> Double { try number(0...Self.mostPerMinute) }

  /// A name as Services have them (RFC 1035).
  func label() throws(FileError) -> String {
    let label = try text()
    let isLabel =
      label.utf8.count <= 63 && label.utf8.first != UInt8(ascii: "-") && label.utf8.last != UInt8(ascii: "-")
      && label.utf8.allSatisfy { 0x61...0x7A ~= $0 || 0x30...0x39 ~= $0 || $0 == UInt8(ascii: "-") }
    guard isLabel else { throw expected("a Service's name: lower case letters, digits and -") }
    return label
  }

  /// A host name or address, perhaps with a port.
  func host() throws(FileError) -> String {
    let host = try text()
    let isHost = host.utf8.count <= 260 && host.utf8.allSatisfy { 0x21...0x7E ~= $0 } && !host.contains("/")
    guard isHost else { throw expected("a host, such as cart.edge-b.example") }
    return host
  }

  /// A duration such as `500ms`, `60s`, `5m` or `1h30m`.
  func duration(_ range: ClosedRange<Duration>) throws(FileError) -> Duration {
    guard let duration = Self.duration(try text()) else { throw expected("a duration, such as 500ms, 60s or 1h30m") }
    guard range.contains(duration) else { throw expected("a duration from \(range.lowerBound) to \(range.upperBound)") }
    return duration
  }

  private static func duration(_ text: String) -> Duration? {
    let units: KeyValuePairs<String, Double> = ["ms": 0.001, "s": 1, "m": 60, "h": 3600]
    var seconds = 0.0
    var rest = Substring(text)
    repeat {
      let number = rest.prefix { $0.isASCII && $0.isNumber || $0 == "." }
      rest = rest.dropFirst(number.count)
      let unit = rest.prefix { $0.isLetter }
      rest = rest.dropFirst(unit.count)
      guard let amount = Double(number), amount < 1e9, let size = units.first(where: { $0.key == unit })?.value else {
        return nil
      }
      seconds += amount * size
    } while !rest.isEmpty
    return .nanoseconds(Int64((seconds * 1e9).rounded()))
  }
}
