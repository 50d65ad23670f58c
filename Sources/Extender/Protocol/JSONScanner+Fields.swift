import Formats
import Foundation

extension JSONScanner {
  /// What the protocol's readers throw, and scanners pass on.
  typealias Fault = SyntaxError

  /// Reads a request's one value, and nothing after it.
  ///
  /// Throws ``ProtocolError/Code/malformed`` with the offset of what is wrong, and ``ProtocolError/Code/busy`` where there
  /// is no memory for what is read.
  ///
  /// - Parameters:
  ///   - memory: what ``take(_:of:)`` takes of while the value is read.
  static func read(
    _ bytes: UnsafeRawBufferPointer, _ memory: RequestMemory? = nil, _ value: (inout JSONScanner) throws(Fault) -> Void
  ) throws(ProtocolError) {
    var scanner = JSONScanner(bytes.bindMemory(to: UInt8.self))
    do throws(Fault) {
      scanner.skipSpace()
      try value(&scanner)
      scanner.skipSpace()
      guard scanner.next == nil else { throw scanner.unexpected("the end of the request") }
    } catch {
      if let refusal = memory?.refusal { throw refusal }
      throw ProtocolError(code: .malformed, message: "byte \(error.offset): \(error.message)")
    }
  }

  /// Takes memory for what is made of the request.
  ///
  /// Throws where there is none, which ``read(_:_:_:)`` tells as ``ProtocolError/Code/busy``.
  func take(_ count: Int, of memory: RequestMemory?) throws(Fault) {
    guard memory?.take(count) ?? true else {
      throw Fault(offset: position, message: "found no memory for what is next")
    }
  }

  /// Whether a key, in whatever case, is this one, which is given in lower case.
  func isKey(_ key: Range<Int>, _ name: StaticString) -> Bool {
    guard key.count == name.utf8CodeUnitCount else { return false }
    for (i, offset) in key.enumerated() {
      let byte = bytes[offset]
      let lower = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
      guard lower == name.utf8Start[i] else { return false }
    }
    return true
  }

  /// Reads the fields of an object; `null` is an object without fields.
  mutating func readFields(
    depth: Int, _ field: (inout JSONScanner, Range<Int>) throws(Fault) -> Void
  ) throws(Fault) {
    switch next {
    case UInt8(ascii: "{"): try skipObject(depth: depth, field)
    case UInt8(ascii: "n"): try skipValue()
    default: throw unexpected("'{'")
    }
  }

  /// Reads the elements of an array; `null` is an array without elements.
  mutating func readElements(
    depth: Int, _ element: (inout JSONScanner) throws(Fault) -> Void
  ) throws(Fault) {
    switch next {
    case UInt8(ascii: "["): try skipArray(depth: depth, element)
    case UInt8(ascii: "n"): try skipValue()
    default: throw unexpected("'['")
    }
  }

  /// Reads a string; nil for `null`.
  mutating func readString() throws(Fault) -> String? {
    if next == UInt8(ascii: "n") {
      try skipValue()
      return nil
    }
    guard next == UInt8(ascii: "\"") else { throw unexpected("a string") }
    return try unescaped(skipString())
  }

  /// Reads a string that Kubernetes allows so many bytes; nil for `null`.
  mutating func readString(atMost most: Int) throws(Fault) -> String? {
    let start = position
    if next == UInt8(ascii: "n") {
      try skipValue()
      return nil
    }
    guard next == UInt8(ascii: "\"") else { throw unexpected("a string") }
    return try unescaped(Self.checked(skipString(), atMost: most, at: start))
  }

  /// Reads a string of which the first bytes are enough; nil for `null`. One that is cut keeps its escapes.
  mutating func readString(cutTo most: Int) throws(Fault) -> String? {
    if next == UInt8(ascii: "n") {
      try skipValue()
      return nil
    }
    guard next == UInt8(ascii: "\"") else { throw unexpected("a string") }
    let range = try skipString()
    guard range.count > most else { return try unescaped(range) }
    return text(range.lowerBound..<range.lowerBound + most)
  }

  /// The range of a text that may not have more bytes.
  static func checked(_ range: Range<Int>, atMost most: Int, at start: Int) throws(Fault) -> Range<Int> {
    guard range.count <= most else {
      throw Fault(offset: start, message: "found \(range.count) bytes, expected at most \(most)")
    }
    return range
  }

  /// The range of a node's name.
  static func checked(node range: Range<Int>, at start: Int) throws(Fault) -> Range<Int> {
    guard !range.isEmpty else { throw Fault(offset: start, message: "found an empty string, expected a node's name") }
    return try checked(range, atMost: RequestLimits.name, at: start)
  }

  /// Reads an integer; 0 for `null`.
  mutating func readInteger() throws(Fault) -> Int {
    let start = position
    try skipValue()
    let text = text(start..<position)
    if text == "null" { return 0 }
    guard let number = Int(text) else {
      throw SyntaxError(offset: start, message: "found \(text.prefix(40)), expected an integer")
    }
    return number
  }

  /// Whether what is next is `true`; passes it.
  mutating func readFlag() throws(Fault) -> Bool {
    let isTrue = next == UInt8(ascii: "t")
    try skipValue()
    return isTrue
  }

  /// The text between a string's quotation marks.
  func unescaped(_ range: Range<Int>) throws(Fault) -> String {
    guard bytes[range].contains(UInt8(ascii: "\\")) else { return text(range) }
    let quoted = Data(UnsafeBufferPointer(rebasing: bytes[(range.lowerBound - 1)...range.upperBound]))
    guard let text = try? JSONDecoder().decode(String.self, from: quoted) else {
      throw SyntaxError(offset: range.lowerBound, message: "found a string with an escape that JSON does not have")
    }
    return text
  }
}
