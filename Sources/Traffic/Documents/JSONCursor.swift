/// One complete JSON value of a dump, its brackets balanced.
struct JSONDocument {
  /// The dump's name.
  let source: String
  /// The line on which the value starts, counted from 1.
  let line: Int
  /// The value's bytes, from its first bracket to its last.
  let bytes: UnsafeRawBufferPointer
}

/// Reads a JSON document from front to back, by pulling what is expected next.
///
/// Nothing is built of what is not asked for, and where an error is (its line and path) is only worked out once there
/// is one. What is skipped is checked for balanced brackets and closed strings alone. Members whose value is `null`
/// are passed over as if they were absent.
struct JSONCursor {
  /// What a value is, as its first byte tells.
  enum Kind: String {
    case object = "an object"
    case array = "an array"
    case string = "a string"
    case number = "a number"
    case boolean = "a boolean"
    case null = "null"
    case nothing = "nothing"
    case garbage = "no JSON value"
  }

  let document: JSONDocument
  private(set) var position = 0
  /// Whether the next member or element is the first of its container, which no comma comes before.
  private var isFirst = true

  init(_ document: JSONDocument) {
    self.document = document
  }

  private var bytes: UnsafeRawBufferPointer { document.bytes }

  /// The document's bytes from here to where another cursor stands.
  func bytes(to end: JSONCursor) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: bytes[position..<max(position, end.position)])
  }

  private var current: UInt8 { position < bytes.count ? bytes[position] : 0 }

  private mutating func skipWhitespace() {
    while position < bytes.count, bytes[position].isWhitespace { position += 1 }
  }

  /// What comes next.
  mutating func kind() -> Kind {
    skipWhitespace()
    switch current {
    case UInt8(ascii: "{"): return .object
    case UInt8(ascii: "["): return .array
    case .quote: return .string
    case UInt8(ascii: "t"), UInt8(ascii: "f"): return .boolean
    case UInt8(ascii: "n"): return .null
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number
    case 0, .comma, UInt8(ascii: "}"), UInt8(ascii: "]"): return .nothing
    default: return .garbage
    }
  }

  // MARK: Containers

  /// Enters an object; then call ``nextKey()`` until it answers nil.
  mutating func beginObject() throws(TrafficError) {
    guard kind() == .object else { throw unexpected("an object") }
    position += 1
    isFirst = true
  }

  /// Answers the next key of the object, whose value must then be read or skipped; nil at the object's end.
  ///
  /// - Parameter includesNull: Whether members whose value is `null` are not passed over.
  mutating func nextKey(includesNull: Bool = false) throws(TrafficError) -> JSONText? {
    while try next(before: UInt8(ascii: "}"), expected: "a comma or the end of the object") {
      skipWhitespace()
      guard current == .quote else { throw malformed("a key in quotes") }
      let key = try text()
      skipWhitespace()
      guard current == UInt8(ascii: ":") else { throw malformed("a colon") }
      position += 1
      guard !includesNull, kind() == .null else { return key }
      try skip()
    }
    return nil
  }

  /// Enters an array; then call ``nextElement()`` until it answers false.
  mutating func beginArray() throws(TrafficError) {
    guard kind() == .array else { throw unexpected("an array") }
    position += 1
    isFirst = true
  }

  /// Answers whether there is another element, which must then be read or skipped; false at the array's end.
  mutating func nextElement() throws(TrafficError) -> Bool {
    try next(before: UInt8(ascii: "]"), expected: "a comma or the end of the array")
  }

  private mutating func next(before end: UInt8, expected: String) throws(TrafficError) -> Bool {
    skipWhitespace()
    if current == end {
      position += 1
      isFirst = false
      return false
    }
    if !isFirst {
      guard current == .comma else { throw malformed(expected) }
      position += 1
    }
    isFirst = false
    return true
  }

  // MARK: Values

  /// Reads a string without copying it.
  mutating func text() throws(TrafficError) -> JSONText {
    guard kind() == .string else { throw unexpected("a string") }
    position += 1
    let start = position
    var isEscaped = false
    while position < bytes.count {
      let byte = bytes[position]
      if byte == .quote {
        let raw = UnsafeRawBufferPointer(rebasing: bytes[start..<position])
        position += 1
        return JSONText(raw: raw, isEscaped: isEscaped)
      }
      if byte == .backslash {
        isEscaped = true
        position += 1
      }
      position += 1
    }
    position = bytes.count
    throw malformed("a closing quote")
  }

  /// Reads a string.
  mutating func string() throws(TrafficError) -> String {
    let start = self
    guard let string = try text().string else { throw start.malformed("an escape that JSON has") }
    return string
  }

  /// Reads a number, infinite where it is too large.
  mutating func number() throws(TrafficError) -> Double {
    guard kind() == .number else { throw unexpected("a number") }
    let start = self
    guard let number = decimal(scalar()) else { throw start.malformed("a number") }
    return number
  }

  /// Reads a number that may be written as a string, with the names that Prometheus has for what is none.
  mutating func numberOrText() throws(TrafficError) -> Double {
    switch kind() {
    case .number:
      return try number()
    case .string:
      let start = self
      let text = try text()
      switch text {
      case "NaN": return .nan
      case "+Inf", "Inf": return .infinity
      case "-Inf": return -.infinity
      default:
        guard let number = decimal(text.raw) else { throw start.unexpected("a number") }
        return number
      }
    default:
      throw unexpected("a number")
    }
  }

  /// Reads a boolean.
  mutating func boolean() throws(TrafficError) -> Bool {
    guard kind() == .boolean else { throw unexpected("a boolean") }
    let start = self
    let word = scalar()
    if word.equals("true") { return true }
    guard word.equals("false") else { throw start.malformed("true or false") }
    return false
  }

  /// Passes over whatever value comes next.
  mutating func skip() throws(TrafficError) {
    switch kind() {
    case .string:
      _ = try text()
    case .object, .array:
      try skipContainer()
    case .number, .boolean, .null:
      _ = scalar()
    case .nothing, .garbage:
      throw malformed("a value")
    }
  }

  private mutating func skipContainer() throws(TrafficError) {
    var depth = 0
    while position < bytes.count {
      switch bytes[position] {
      case .quote:
        _ = try text()
        continue
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        depth += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        depth -= 1
        if depth == 0 {
          position += 1
          return
        }
      default:
        break
      }
      position += 1
    }
    throw malformed("a closing bracket")
  }

  /// The bytes of a number or a word.
  private mutating func scalar() -> UnsafeRawBufferPointer {
    let start = position
    loop: while position < bytes.count {
      switch bytes[position] {
      case .comma, UInt8(ascii: "}"), UInt8(ascii: "]"), UInt8(ascii: ":"), .quote: break loop
      case let byte where byte.isWhitespace: break loop
      default: position += 1
      }
    }
    return UnsafeRawBufferPointer(rebasing: bytes[start..<position])
  }

  // MARK: Errors

  /// An error that says what comes next and what was expected instead.
  func unexpected(_ expected: String) -> TrafficError {
    var probe = self
    let kind = probe.kind()
    guard kind != .garbage else { return probe.malformed(expected) }
    var found = kind.rawValue
    switch kind {
    case .string:
      if let text = try? probe.text() { found = "the string \(text.raw.excerpt)" }
    case .number:
      found = "the number \(probe.scalar().excerpt)"
    default:
      break
    }
    return error(.unexpected, "found \(found), expected \(expected)")
  }

  private func malformed(_ expected: String) -> TrafficError {
    let rest = UnsafeRawBufferPointer(rebasing: bytes[min(position, bytes.count)...].prefix(20))
    let found = rest.isEmpty ? "the end of the JSON value" : rest.excerpt
    return error(.malformed, "found \(found), expected \(expected)")
  }

  /// An error at what comes next.
  func error(_ code: TrafficError.Code, _ message: String) -> TrafficError {
    var next = self
    next.skipWhitespace()
    let place = JSONPlace(of: next.position, in: document)
    return TrafficError(code: code, source: document.source, line: place.line, path: place.path, message: message)
  }
}
