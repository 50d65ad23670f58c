#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Cuts a stream of bytes into lines as it comes in.
struct LineSplitter {
  /// The most bytes that a line may have.
  let limit: Int
  /// The line that has not ended yet.
  private(set) var rest: [UInt8] = []

  init(limit: Int) {
    self.limit = limit
  }

  /// Takes bytes, and answers the lines that they complete, without line feeds and without empty lines.
  mutating func feed(_ bytes: [UInt8]) throws(APIError) -> [[UInt8]] {
    var lines: [[UInt8]] = []
    var start = 0
    while let end = Self.lineFeed(in: bytes, from: start) {
      try append(bytes[start..<end])
      if !rest.isEmpty { lines.append(rest) }
      rest = []
      start = end + 1
    }
    try append(bytes[start...])
    return lines
  }

  private static func lineFeed(in bytes: [UInt8], from start: Int) -> Int? {
    bytes.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress, let found = memchr(base + start, 0x0A, bytes.count - start) else {
        return nil
      }
      return UnsafeRawPointer(found) - base
    }
  }

  private mutating func append(_ bytes: ArraySlice<UInt8>) throws(APIError) {
    guard rest.count + bytes.count <= limit else {
      throw APIError(code: .invalidResponse, message: "found a line of more than \(limit) bytes")
    }
    rest.append(contentsOf: bytes)
  }
}
