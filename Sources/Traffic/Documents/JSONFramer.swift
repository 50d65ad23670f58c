/// Takes the JSON values that a ``JSONFramer`` finds.
protocol DocumentReader {
  /// Reads one complete value.
  mutating func read(_ document: JSONDocument) throws(TrafficError)
}

/// Cuts a stream of bytes into the JSON objects and arrays that stand in it one after the other.
///
/// So JSON lines, one large document, and several documents in a row are all read the same way, and no more than one
/// value is held in memory. Every byte is looked at once, however long a value and however small the chunks are.
struct JSONFramer: Sendable {
  private let source: String
  private let limit: Int
  private var line: Int

  /// The value's bytes from earlier chunks.
  private var carry: [UInt8] = []
  private var startLine: Int
  private var depth = 0
  private var isInString = false
  private var isEscaped = false

  init(source: String, line: Int, limit: Int) {
    self.source = source
    self.line = line
    self.limit = limit
    startLine = line
  }

  /// Scans the next bytes and hands over every value that they complete.
  mutating func scan(_ chunk: UnsafeRawBufferPointer, into reader: inout some DocumentReader) throws(TrafficError) {
    var start = 0
    var index = 0
    while index < chunk.count {
      let byte = chunk[index]
      index += 1
      if isInString {
        if isEscaped {
          isEscaped = false
        } else if byte == .backslash {
          isEscaped = true
        } else if byte == .quote {
          isInString = false
        }
        if byte == .newline { throw error(.malformed, line, "found a line end inside a string, expected a quote") }
        continue
      }
      switch byte {
      case .quote where depth > 0:
        isInString = true
      case .newline:
        line += 1
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        if depth == 0 {
          start = index - 1
          startLine = line
        }
        depth += 1
      case UInt8(ascii: "}") where depth > 0, UInt8(ascii: "]") where depth > 0:
        depth -= 1
        if depth == 0 { try end(chunk, start..<index, into: &reader) }
      default:
        guard depth > 0 || byte.isWhitespace else {
          let found = UnsafeRawBufferPointer(rebasing: chunk[(index - 1)..<index]).excerpt
          throw error(.malformed, line, "found \(found), expected a JSON object or array")
        }
      }
    }
    if depth > 0 {
      carry.append(contentsOf: chunk[start...])
      try check(carry.count)
    }
  }

  /// Throws where a value is incomplete.
  func finish() throws(TrafficError) {
    guard depth > 0 else { return }
    throw error(.malformed, line, "found the end inside the JSON value that starts on line \(startLine)")
  }

  private mutating func end(
    _ chunk: UnsafeRawBufferPointer,
    _ range: Range<Int>,
    into reader: inout some DocumentReader
  ) throws(TrafficError) {
    if carry.isEmpty {
      try check(range.count)
      let bytes = UnsafeRawBufferPointer(rebasing: chunk[range])
      try reader.read(JSONDocument(source: source, line: startLine, bytes: bytes))
    } else {
      carry.append(contentsOf: chunk[range])
      try check(carry.count)
      try carry.withUnsafeBufferPointer { (buffer) throws(TrafficError) in
        try reader.read(JSONDocument(source: source, line: startLine, bytes: UnsafeRawBufferPointer(buffer)))
      }
      carry.removeAll(keepingCapacity: carry.count <= 1 << 20)
    }
  }

  private func check(_ length: Int) throws(TrafficError) {
    guard length > limit else { return }
    throw error(.tooLarge, startLine, "found a JSON value of more than \(limit) bytes")
  }

  private func error(_ code: TrafficError.Code, _ line: Int, _ message: String) -> TrafficError {
    TrafficError(code: code, source: source, line: line, message: message)
  }
}
