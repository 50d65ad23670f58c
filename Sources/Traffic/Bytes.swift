extension UInt8 {
  static let newline = UInt8(ascii: "\n")
  static let carriageReturn = UInt8(ascii: "\r")
  static let comma = UInt8(ascii: ",")
  static let quote = UInt8(ascii: "\"")
  static let backslash = UInt8(ascii: "\\")

  /// Whether JSON counts this byte as white space.
  @inline(__always)
  var isWhitespace: Bool { self == 0x20 || self == 0x0A || self == 0x0D || self == 0x09 }

  /// The value of an ASCII digit, or 10 or more.
  @inline(__always)
  var digit: UInt8 { self &- UInt8(ascii: "0") }
}

extension UnsafeRawBufferPointer {
  /// The bytes without white space at either end.
  func trimmed() -> UnsafeRawBufferPointer {
    var start = 0
    var end = count
    while start < end, self[start].isWhitespace { start += 1 }
    while end > start, self[end - 1].isWhitespace { end -= 1 }
    return UnsafeRawBufferPointer(rebasing: self[start..<end])
  }

  /// The bytes as text; what is not UTF-8 becomes U+FFFD.
  var text: String { String(decoding: self, as: UTF8.self) }

  /// The bytes as text for an error message: printable, and not longer than a line holds.
  var excerpt: String {
    let limit = 60
    let head = String(decoding: prefix(limit), as: UTF8.self)
    let printable = head.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? "\u{FFFD}" : Character($0) }
    return "'\(String(printable))\(count > limit ? "…" : "")'"
  }

  /// Whether the bytes are those of a string.
  func equals(_ other: StaticString) -> Bool {
    guard count == other.utf8CodeUnitCount else { return false }
    for index in 0..<count where self[index] != other.utf8Start[index] { return false }
    return true
  }
}
