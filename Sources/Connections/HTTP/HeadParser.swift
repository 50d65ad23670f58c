/// Makes the head of a response of the lines that curl hands out, one at a time.
///
/// A server may send interim heads (status 1xx) before the one that counts, and trailers after the body; both are passed
/// over.
struct HeadParser {
  /// The most bytes that all lines together may have.
  static let limit = 256 << 10

  private var head: IncomingResponse.Head?
  private var byteCount = 0
  private var isComplete = false

  /// Takes a line, and answers the head when this line completes it.
  mutating func feed(_ line: some Collection<UInt8>) throws(TransportError) -> IncomingResponse.Head? {
    byteCount += line.count
    guard byteCount <= Self.limit else { throw Self.error("found a head of more than \(Self.limit) bytes") }
    guard !isComplete else { return nil }

    let text = String(decoding: line, as: UTF8.self).trimmingSpace
    if text.hasPrefix("HTTP/") {
      head = .init(status: try Self.status(text))
    } else if text.isEmpty {
      guard let head, head.status >= 200 else { return nil }
      isComplete = true
      return head
    } else if let colon = text.firstIndex(of: ":") {
      head?.headers.append(
        .init(String(text[..<colon]), String(text[text.index(after: colon)...]).trimmingSpace))
    }
    return nil
  }

  private static func status(_ line: String) throws(TransportError) -> Int {
    let fields = line.split(separator: " ", maxSplits: 2)
    guard fields.count >= 2, let status = Int(fields[1]), 100...999 ~= status else {
      throw error("found the status line '\(line.prefix(80))', expected HTTP's")
    }
    return status
  }

  private static func error(_ message: String) -> TransportError {
    TransportError(code: .invalidResponse, message: message, mayHaveReachedServer: true)
  }
}

extension String {
  /// The text without white space at both ends.
  package var trimmingSpace: String {
    var text = self[...]
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}
