import Formats
import Model

extension YAMLField {
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
  func rate() throws(FileError) -> Double { try number(.ratePerMinute) }

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

  /// A number within bounds.
  func number(_ bounds: Bounds<Double>) throws(FileError) -> Double { try number(bounds.range) }

  /// A whole number within bounds.
  func integer(_ bounds: Bounds<Int>) throws(FileError) -> Int { try integer(bounds.range) }

  /// A duration such as `500ms`, `60s`, `5m` or `1h30m`.
  func duration(_ bounds: Bounds<Duration>) throws(FileError) -> Duration {
    guard let duration = Duration(text: try text(atMost: 32)) else {
      throw expected("a duration, such as 500ms, 60s or 1h30m")
    }
    guard bounds.contains(duration) else {
      throw expected("a duration from \(bounds.range.lowerBound) to \(bounds.range.upperBound)")
    }
    return duration
  }
}
