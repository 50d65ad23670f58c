import Model

/// A host that a policy names: a DNS name (RFC 1123) in lower case or, where one may be, an address, perhaps with a port.
///
/// Only what passes here reaches a route, a URL or a query.
package struct HostName: Hashable, Sendable {
  /// The name, or the address without brackets.
  package let name: String
  /// The port; nil where none is named.
  package let port: Int?
  /// Whether it is an address.
  package let isAddress: Bool

  /// Reads a host; nil where the text is none.
  ///
  /// - Parameters:
  ///   - allowsAddress: Whether an address may stand there, one of IPv6 in brackets.
  ///   - allowsWildcard: Whether the first label may be `*`.
  package init?(_ text: String, allowsAddress: Bool = false, allowsWildcard: Bool = false) {
    var host = Substring(text)
    var port: Int?
    let isBracketed = text.hasPrefix("[")
    if let colon = text.lastIndex(of: ":"), isBracketed ? text[..<colon].hasSuffix("]") : true {
      let digits = text[text.index(after: colon)...]
      guard digits.utf8.count <= 5, digits.utf8.allSatisfy({ 0x30...0x39 ~= $0 }), let number = UInt16(digits),
        number > 0
      else { return nil }
      port = Int(number)
      host = text[..<colon]
    }
    if isBracketed {
      guard host.hasSuffix("]") else { return nil }
      host = host.dropFirst().dropLast()
      guard host.contains(":") else { return nil }
    }
    // Brackets in brackets are none.
    let address = host.hasPrefix("[") ? nil : IPAddress(host)
    if address != nil {
      guard allowsAddress, isBracketed == host.contains(":") else { return nil }
    } else {
      guard !isBracketed, Self.isName(allowsWildcard && host.hasPrefix("*.") ? host.dropFirst(2) : host) else {
        return nil
      }
    }
    name = String(host)
    self.port = port
    isAddress = address != nil
  }

  /// Whether a text is a DNS name in lower case. One whose last label is a number is none: resolvers read it as an address.
  static func isName(_ text: Substring) -> Bool {
    guard text.utf8.count <= 253 else { return false }
    let labels = text.split(separator: ".", omittingEmptySubsequences: false)
    guard let last = labels.last, labels.allSatisfy(isLabel) else { return false }
    let isNumber = last.utf8.allSatisfy { 0x30...0x39 ~= $0 } || last.hasPrefix("0x")
    return !isNumber
  }

  /// Whether a text is a label of a DNS name: lower-case letters, digits and hyphens, these not at its ends.
  static func isLabel(_ text: Substring) -> Bool {
    (1...63).contains(text.utf8.count) && text.utf8.first != UInt8(ascii: "-") && text.utf8.last != UInt8(ascii: "-")
      && text.utf8.allSatisfy { 0x61...0x7A ~= $0 || 0x30...0x39 ~= $0 || $0 == UInt8(ascii: "-") }
  }

  /// Whether no other machine is meant, or none at all: what only makes sense to who is on this machine or link.
  var isSpecial: Bool {
    IPAddress(name)?.isSpecial ?? (name == "localhost" || name.hasSuffix(".localhost"))
  }
}
