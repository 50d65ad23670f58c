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
    guard HostName.isLabel(label[...]) else { throw expected("a Service's name: lower case letters, digits and -") }
    return label
  }

  /// A name as most objects have them (RFC 1123): labels with dots between them.
  func objectName() throws(FileError) -> String {
    let name = try text()
    let isName =
      name.utf8.count <= 253
      && name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { HostName.isLabel($0) }
    guard isName else { throw expected("an object's name: lower case letters, digits, - and .") }
    return name
  }

  /// A cluster's name, which stands in topics, labels and headers.
  func clusterName() throws(FileError) -> String {
    let name = try text()
    let isEnd: (UInt8?) -> Bool = { byte in
      byte.map { 0x30...0x39 ~= $0 || 0x41...0x5A ~= $0 || 0x61...0x7A ~= $0 } ?? false
    }
    let isName =
      name.utf8.count <= 63 && isEnd(name.utf8.first) && isEnd(name.utf8.last)
      && name.utf8.allSatisfy { isEnd($0) || "-_.".utf8.contains($0) }
    guard isName else { throw expected("a cluster's name: letters, digits, -, _ and .") }
    return name
  }

  /// A DNS name, perhaps with a port; where it may be, an address too.
  func host(allowsAddress: Bool) throws(FileError) -> String {
    let host = try text()
    guard HostName(host, allowsAddress: allowsAddress) != nil else {
      throw expected(
        allowsAddress
          ? "a DNS name or an address, perhaps with a port, such as 203.0.113.7:8080"
          : "a DNS name in lower case, perhaps with a port, such as cart.edge-b.example")
    }
    return host
  }

  /// A DNS name that requests ask for, which may begin with `*.`.
  func requestedHost() throws(FileError) -> String {
    let host = try text()
    guard let name = HostName(host, allowsWildcard: true), name.port == nil else {
      throw expected("a DNS name in lower case, such as shop.example or *.shop.example")
    }
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
