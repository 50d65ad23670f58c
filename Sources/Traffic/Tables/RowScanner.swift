/// Cuts a stream of bytes into rows and fields of comma-separated values (RFC 4180).
///
/// Beyond the RFC it takes `\n` alone as a line end, skips blank lines and lines that start with `#`, and trims white
/// space around fields that are not quoted.
struct RowScanner: Sendable {
  /// The longest row in bytes. No real row comes near; a quote left open does.
  static let rowLimit = 1 << 20

  private let source: String
  private var line: Int

  /// The row's bytes from earlier chunks.
  private var carry: [UInt8] = []
  /// Where the fields of the current row end that are already complete, counted from the row's start.
  private var ends: [Int] = []
  /// Where the fields of a complete row lie; kept, so that not every row allocates.
  private var fields: [Range<Int>] = []
  private var rowLine: Int
  private var isAtRowStart = true
  private var isComment = false
  private var isInQuotes = false
  private var hasQuotes = false

  init(source: String, line: Int) {
    self.source = source
    self.line = line
    self.rowLine = line
  }

  /// Scans the next bytes and hands over every row that they complete.
  mutating func scan(_ chunk: UnsafeRawBufferPointer, into reader: inout some RowReader) throws(TrafficError) {
    var start = 0
    var index = 0
    while index < chunk.count {
      let byte = chunk[index]
      if byte == .newline {
        line += 1
        if !isInQuotes {
          try endRow(chunk, start..<index, into: &reader)
          start = index + 1
        }
      } else {
        if isAtRowStart {
          isAtRowStart = false
          isComment = byte == UInt8(ascii: "#")
        }
        if byte == .comma {
          if !isInQuotes, !isComment { ends.append(carry.count + index - start) }
        } else if byte == .quote, !isComment {
          isInQuotes.toggle()
          hasQuotes = true
        }
      }
      index += 1
    }
    guard !isComment else { return }
    carry.append(contentsOf: chunk[start...])
    try checkLength(carry.count)
  }

  /// Hands over the last row where no line end follows it.
  mutating func finish(into reader: inout some RowReader) throws(TrafficError) {
    if isInQuotes {
      throw TrafficError(
        code: .malformed,
        source: source,
        line: rowLine,
        message: "found a quote that is never closed in the row that starts here"
      )
    }
    try endRow(UnsafeRawBufferPointer(start: nil, count: 0), 0..<0, into: &reader)
  }

  private mutating func endRow(
    _ chunk: UnsafeRawBufferPointer,
    _ range: Range<Int>,
    into reader: inout some RowReader
  ) throws(TrafficError) {
    defer {
      carry.removeAll(keepingCapacity: true)
      ends.removeAll(keepingCapacity: true)
      rowLine = line
      isAtRowStart = true
      isComment = false
      hasQuotes = false
    }
    guard !isComment else { return }
    if carry.isEmpty {
      try endRow(UnsafeRawBufferPointer(rebasing: chunk[range]), into: &reader)
    } else {
      carry.append(contentsOf: chunk[range])
      var row: [UInt8] = []
      swap(&row, &carry)
      defer { swap(&row, &carry) }
      try row.withUnsafeBufferPointer { (buffer) throws(TrafficError) in
        try endRow(UnsafeRawBufferPointer(buffer), into: &reader)
      }
    }
  }

  private mutating func endRow(
    _ bytes: UnsafeRawBufferPointer,
    into reader: inout some RowReader
  ) throws(TrafficError) {
    try checkLength(bytes.count)
    guard bytes.contains(where: { !$0.isWhitespace }) else { return }
    ends.append(bytes.count)
    guard hasQuotes else {
      fields.removeAll(keepingCapacity: true)
      var start = 0
      for end in ends {
        fields.append(trim(start..<end, of: bytes))
        start = end + 1
      }
      return try reader.read(Row(line: rowLine, bytes: bytes, fields: fields))
    }
    let unquoted = try unquote(bytes)
    try unquoted.bytes.withUnsafeBufferPointer { (buffer) throws(TrafficError) in
      try reader.read(Row(line: rowLine, bytes: UnsafeRawBufferPointer(buffer), fields: unquoted.fields))
    }
  }

  private func checkLength(_ length: Int) throws(TrafficError) {
    guard length > Self.rowLimit else { return }
    throw TrafficError(
      code: .tooLarge,
      source: source,
      line: rowLine,
      message: "found a row of more than \(Self.rowLimit) bytes, expected a line end (or a closing quote) before"
    )
  }

  private func trim(_ range: Range<Int>, of bytes: UnsafeRawBufferPointer) -> Range<Int> {
    var (start, end) = (range.lowerBound, range.upperBound)
    while start < end, bytes[start].isWhitespace { start += 1 }
    while end > start, bytes[end - 1].isWhitespace { end -= 1 }
    return start..<end
  }

  /// Copies the fields of a row, those in quotes without them and with doubled quotes made single.
  private func unquote(_ bytes: UnsafeRawBufferPointer) throws(TrafficError) -> (bytes: [UInt8], fields: [Range<Int>]) {
    var copy: [UInt8] = []
    copy.reserveCapacity(bytes.count)
    var fields: [Range<Int>] = []
    var start = 0
    for end in ends {
      let field = UnsafeRawBufferPointer(rebasing: bytes[trim(start..<end, of: bytes)])
      let copyStart = copy.count
      if field.first == .quote {
        guard field.count >= 2, field.last == .quote else { throw misplacedQuote(field) }
        var index = 1
        while index < field.count - 1 {
          if field[index] == .quote {
            index += 1
            guard index < field.count - 1, field[index] == .quote else { throw misplacedQuote(field) }
          }
          copy.append(field[index])
          index += 1
        }
      } else {
        guard !field.contains(.quote) else { throw misplacedQuote(field) }
        copy.append(contentsOf: field)
      }
      fields.append(copyStart..<copy.count)
      start = end + 1
    }
    return (copy, fields)
  }

  private func misplacedQuote(_ field: UnsafeRawBufferPointer) -> TrafficError {
    TrafficError(
      code: .malformed,
      source: source,
      line: rowLine,
      message: "found a quote inside the field \(field.excerpt), expected quotes around the whole field, doubled within"
    )
  }
}
