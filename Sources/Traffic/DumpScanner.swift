/// Cuts the bytes of one dump into JSON documents or rows, as its first bytes tell, and hands them to the observation
/// that the dump is part of.
struct DumpScanner: Sendable {
  private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

  private let source: String
  private let format: TrafficFormat?
  private let documentLimit: Int

  /// The first bytes, until it is clear whether they are a byte order mark.
  private var head: [UInt8] = []
  private var isPastMark = false
  private var line = 1
  /// One of the two is there from the first byte on that is no white space.
  private var documents: JSONFramer?
  private var rows: RowScanner?

  init(source: String, format: TrafficFormat?, documentLimit: Int) {
    self.source = source
    self.format = format
    self.documentLimit = documentLimit
  }

  /// Reads the next bytes.
  mutating func read(
    _ chunk: UnsafeRawBufferPointer, into observation: inout Observation
  ) throws(TrafficError) {
    guard !isPastMark else { return try readPastMark(chunk, into: &observation) }
    head.append(contentsOf: chunk)
    guard head.count >= Self.byteOrderMark.count else { return }
    try readHead(into: &observation)
  }

  /// Ends the dump.
  mutating func finish(into observation: inout Observation) throws(TrafficError) {
    if !isPastMark { try readHead(into: &observation) }
    try documents?.finish()
    try rows?.finish(into: &observation)
    guard observation.end() else {
      let message =
        rows == nil ? "found no content, expected a traffic dump" : "found no rows, expected a header"
      throw TrafficError(code: .unrecognized, source: source, message: message)
    }
  }

  private mutating func readHead(into observation: inout Observation) throws(TrafficError) {
    isPastMark = true
    guard !isUTF16 else {
      throw TrafficError(
        code: .malformed, source: source, line: 1,
        message: "found a zero byte beside each letter, which is text in UTF-16, expected UTF-8")
    }
    let bytes = head.starts(with: Self.byteOrderMark) ? Array(head.dropFirst(Self.byteOrderMark.count)) : head
    head = []
    try bytes.withUnsafeBufferPointer { (buffer) throws(TrafficError) in
      try readPastMark(UnsafeRawBufferPointer(buffer), into: &observation)
    }
  }

  /// Whether every other one of the first bytes is zero, as where letters of ASCII are two bytes.
  private var isUTF16: Bool {
    let isZero = head.prefix(3).map { $0 == 0 }
    return isZero == [false, true, false] || isZero == [true, false, true]
  }

  private mutating func readPastMark(
    _ chunk: UnsafeRawBufferPointer, into observation: inout Observation
  ) throws(TrafficError) {
    var chunk = chunk
    if documents == nil, rows == nil {
      guard let start = chunk.firstIndex(where: { !$0.isWhitespace }) else {
        line += chunk.count { $0 == .newline }
        return
      }
      line += chunk[..<start].count { $0 == .newline }
      open(first: chunk[start])
      chunk = UnsafeRawBufferPointer(rebasing: chunk[start...])
    }
    try documents?.scan(chunk, into: &observation)
    try rows?.scan(chunk, into: &observation)
  }

  /// JSON begins with a brace or a bracket; everything else is taken for a table, whose header then tells.
  private mutating func open(first: UInt8) {
    let isTable = format?.isTable ?? !(first == UInt8(ascii: "{") || first == UInt8(ascii: "["))
    if isTable {
      rows = RowScanner(source: source, line: line)
    } else {
      documents = JSONFramer(source: source, line: line, limit: documentLimit)
    }
  }
}
