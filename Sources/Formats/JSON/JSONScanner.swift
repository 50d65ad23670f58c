/// Walks JSON text without building anything: it finds where values begin and end, and checks the grammar (RFC 8259)
/// on its way.
package struct JSONScanner {
  /// What is not JSON, and where.
  package struct SyntaxError: Error {
    package var offset: Int
    package var message: String

    package init(offset: Int, message: String) {
      self.offset = offset
      self.message = message
    }
  }

  /// Deeper than any Kubernetes object, and shallow enough for the stack of any thread.
  static let deepest = 200

  package let bytes: UnsafeBufferPointer<UInt8>
  package var position: Int

  package init(_ bytes: UnsafeBufferPointer<UInt8>, at position: Int = 0) {
    self.bytes = bytes
    self.position = position
  }

  /// The next byte, or nil at the end.
  package var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  package mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
  }

  /// Passes one value.
  package mutating func skipValue(depth: Int = 0) throws(SyntaxError) {
    skipSpace()
    switch next {
    case UInt8(ascii: "{"):
      try skipObject(depth: depth) { scanner, _ throws(SyntaxError) in try scanner.skipValue(depth: depth + 1) }
    case UInt8(ascii: "["):
      try skipArray(depth: depth) { scanner throws(SyntaxError) in try scanner.skipValue(depth: depth + 1) }
    case UInt8(ascii: "\""): _ = try skipString()
    case UInt8(ascii: "t"): try skipLiteral("true")
    case UInt8(ascii: "f"): try skipLiteral("false")
    case UInt8(ascii: "n"): try skipLiteral("null")
    case .some(UInt8(ascii: "-")), .some(UInt8(ascii: "0")...UInt8(ascii: "9")): try skipNumber()
    default: throw unexpected("a value")
    }
  }

  /// Passes an object; `member` is called before each value with the range of its key between the quotation marks,
  /// and must pass the value.
  package mutating func skipObject(
    depth: Int = 0, _ member: (inout JSONScanner, Range<Int>) throws(SyntaxError) -> Void
  ) throws(SyntaxError) {
    try enter(depth)
    skipSpace()
    if next == UInt8(ascii: "}") {
      position += 1
      return
    }
    while true {
      skipSpace()
      guard next == UInt8(ascii: "\"") else { throw unexpected("a field name in quotation marks") }
      let key = try skipString()
      skipSpace()
      guard next == UInt8(ascii: ":") else { throw unexpected("':'") }
      position += 1
      skipSpace()
      try member(&self, key)
      skipSpace()
      guard next == UInt8(ascii: ",") else { break }
      position += 1
    }
    guard next == UInt8(ascii: "}") else { throw unexpected("',' or '}'") }
    position += 1
  }

  /// Passes an array; `element` is called before each value and must pass it.
  package mutating func skipArray(
    depth: Int = 0, _ element: (inout JSONScanner) throws(SyntaxError) -> Void
  ) throws(SyntaxError) {
    try enter(depth)
    skipSpace()
    if next == UInt8(ascii: "]") {
      position += 1
      return
    }
    while true {
      skipSpace()
      try element(&self)
      skipSpace()
      guard next == UInt8(ascii: ",") else { break }
      position += 1
    }
    guard next == UInt8(ascii: "]") else { throw unexpected("',' or ']'") }
    position += 1
  }

  private mutating func enter(_ depth: Int) throws(SyntaxError) {
    guard depth < Self.deepest else {
      throw SyntaxError(offset: position, message: "found nesting deeper than \(Self.deepest), expected less")
    }
    position += 1
  }

  /// Passes a string and answers the range between its quotation marks.
  package mutating func skipString() throws(SyntaxError) -> Range<Int> {
    position += 1
    let start = position
    while true {
      skipPlainText()
      switch next {
      case UInt8(ascii: "\""):
        position += 1
        return start..<(position - 1)
      case UInt8(ascii: "\\"):
        try skipEscape()
      case .some(0..<0x20):
        throw unexpected("the rest of a string")
      case nil:
        position = bytes.count
        throw unexpected("the end of a string")
      default:
        position += 1
      }
    }
  }

  /// Passes an escape. What is passed is also sent back, so that it must be one that others can read.
  private mutating func skipEscape() throws(SyntaxError) {
    position += 1
    switch next {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
      UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
      position += 1
    case UInt8(ascii: "u"):
      position += 1
      for _ in 0..<4 {
        switch next {
        case .some(UInt8(ascii: "0")...UInt8(ascii: "9")), .some(UInt8(ascii: "a")...UInt8(ascii: "f")),
          .some(UInt8(ascii: "A")...UInt8(ascii: "F")):
          position += 1
        default: throw unexpected("four hexadecimal digits")
        }
      }
    case nil: throw unexpected("the end of a string")
    default: throw unexpected("an escape")
    }
  }

  /// Passes bytes of a string that stand for themselves, eight at a time as long as there are as many: most of a
  /// Kubernetes object is in strings.
  private mutating func skipPlainText() {
    let each: UInt64 = 0x0101_0101_0101_0101
    let text = UnsafeRawBufferPointer(bytes)
    while position + 8 <= text.count {
      let word = UInt64(littleEndian: text.loadUnaligned(fromByteOffset: position, as: UInt64.self))
      let (quotes, escapes) = (word ^ (each &* 0x22), word ^ (each &* 0x5C))
      // The high bit of each byte that is below 0x20, a quotation mark or an escape. Bits above the first of them may
      // be wrong, which does not matter.
      let stops = (word &- each &* 0x20) & ~word | (quotes &- each) & ~quotes | (escapes &- each) & ~escapes
      let first = (stops & (each &* 0x80)).trailingZeroBitCount / 8
      position += first
      guard first == 8 else { return }
    }
  }

  private mutating func skipNumber() throws(SyntaxError) {
    if next == UInt8(ascii: "-") { position += 1 }
    if next == UInt8(ascii: "0") { position += 1 } else { try skipDigits() }
    if next == UInt8(ascii: ".") {
      position += 1
      try skipDigits()
    }
    if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
      position += 1
      if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { position += 1 }
      try skipDigits()
    }
  }

  private mutating func skipDigits() throws(SyntaxError) {
    let start = position
    while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
    guard position > start else { throw unexpected("a digit") }
  }

  private mutating func skipLiteral(_ literal: StaticString) throws(SyntaxError) {
    for i in 0..<literal.utf8CodeUnitCount {
      guard next == literal.utf8Start[i] else { throw unexpected("\(literal)") }
      position += 1
    }
  }

  /// The error that something else is here than expected.
  package func unexpected(_ expected: String) -> SyntaxError {
    let found =
      switch next {
      case nil: "the end of the input"
      case .some(let byte) where (0x21...0x7E).contains(byte): "'\(Character(Unicode.Scalar(byte)))'"
      case .some(let byte): "byte \(byte)"
      }
    return SyntaxError(offset: min(position, bytes.count), message: "found \(found), expected \(expected)")
  }
}

extension JSONScanner {
  /// The text of a range of bytes.
  package func text(_ range: Range<Int>) -> String {
    String(decoding: UnsafeBufferPointer(rebasing: bytes[range]), as: UTF8.self)
  }

  /// Whether a range of bytes holds exactly this text.
  package func holds(_ text: StaticString, in range: Range<Int>) -> Bool {
    range.count == text.utf8CodeUnitCount
      && range.indices.allSatisfy { bytes[$0] == text.utf8Start[$0 - range.lowerBound] }
  }

  /// The line of an offset, from 1.
  package func line(of offset: Int) -> Int {
    bytes[..<min(offset, bytes.count)].reduce(1) { $1 == 0x0A ? $0 + 1 : $0 }
  }
}
