/// The id of a trace or a span as a number.
///
/// The same id is written in hexadecimal by OTLP, without leading zeros by Jaeger, and in base64 by protobuf's JSON
/// (Tempo); what is none of these is its fingerprint.
struct SpanID: Hashable, Sendable {
  private var high: UInt64 = 0
  private var low: UInt64 = 0

  /// Whether the id says that there is none: empty, or zero.
  var isNone: Bool { high == 0 && low == 0 }

  init(_ text: String) {
    var text = text
    self = text.withUTF8 { Self(UnsafeRawBufferPointer($0)) }
  }

  private init(_ bytes: UnsafeRawBufferPointer) {
    if let id = Self(hexadecimal: bytes) ?? Self(base64: bytes) {
      self = id
    } else {
      high = fingerprint(bytes)
      low = ~high
    }
  }

  private init?(hexadecimal bytes: UnsafeRawBufferPointer) {
    guard bytes.count <= 32 else { return nil }
    for byte in bytes {
      let digit: UInt8
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
      case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
      default: return nil
      }
      append(digit, bits: 4)
    }
  }

  /// Eight or sixteen bytes in base64, which always ends in padding and so is never hexadecimal.
  private init?(base64 bytes: UnsafeRawBufferPointer) {
    let padding = bytes.count == 12 ? 1 : 2
    guard bytes.count == 12 || bytes.count == 24, bytes.suffix(padding).allSatisfy({ $0 == UInt8(ascii: "=") }) else {
      return nil
    }
    let sextets = bytes.dropLast(padding)
    for (index, byte) in sextets.enumerated() {
      let sextet: UInt8
      switch byte {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"): sextet = byte - UInt8(ascii: "A")
      case UInt8(ascii: "a")...UInt8(ascii: "z"): sextet = byte - UInt8(ascii: "a") + 26
      case UInt8(ascii: "0")...UInt8(ascii: "9"): sextet = byte - UInt8(ascii: "0") + 52
      case UInt8(ascii: "+"), UInt8(ascii: "-"): sextet = 62
      case UInt8(ascii: "/"), UInt8(ascii: "_"): sextet = 63
      default: return nil
      }
      // The last digit has bits that are of no byte: two before one `=`, four before two.
      let spare = index == sextets.count - 1 ? 2 * padding : 0
      append(sextet >> spare, bits: 6 - spare)
    }
  }

  private mutating func append(_ digit: UInt8, bits: Int) {
    high = high << bits | low >> (64 - bits)
    low = low << bits | UInt64(digit)
  }

  /// A key for a span of a trace.
  static func key(trace: SpanID, span: SpanID) -> UInt64 {
    withUnsafeBytes(of: (trace, span)) { fingerprint($0) }
  }
}
