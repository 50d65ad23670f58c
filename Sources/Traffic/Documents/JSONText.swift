/// A JSON string as it stands in its document, valid only as long as that is.
struct JSONText {
  /// The bytes between the quotes.
  let raw: UnsafeRawBufferPointer
  /// Whether there is a backslash among them.
  let isEscaped: Bool

  /// The text; nil where an escape is none of JSON's. What is not UTF-8 becomes U+FFFD.
  var string: String? { isEscaped ? unescaped() : raw.text }

  private func unescaped() -> String? {
    var units: [UInt8] = []
    units.reserveCapacity(raw.count)
    var index = 0
    while index < raw.count {
      let byte = raw[index]
      index += 1
      guard byte == .backslash else {
        units.append(byte)
        continue
      }
      guard index < raw.count else { return nil }
      let escape = raw[index]
      index += 1
      switch escape {
      case .quote, .backslash, UInt8(ascii: "/"): units.append(escape)
      case UInt8(ascii: "b"): units.append(0x08)
      case UInt8(ascii: "f"): units.append(0x0C)
      case UInt8(ascii: "n"): units.append(.newline)
      case UInt8(ascii: "r"): units.append(.carriageReturn)
      case UInt8(ascii: "t"): units.append(0x09)
      case UInt8(ascii: "u"):
        guard let scalar = scalar(at: &index) else { return nil }
        units.append(contentsOf: String(Character(scalar)).utf8)
      default: return nil
      }
    }
    return String(decoding: units, as: UTF8.self)
  }

  /// Reads the digits after `\u`, and a second escape where the two are a surrogate pair. Half a pair is U+FFFD.
  private func scalar(at index: inout Int) -> Unicode.Scalar? {
    guard let unit = codeUnit(at: index) else { return nil }
    index += 4
    if UTF16.isLeadSurrogate(unit), index + 6 <= raw.count, raw[index] == .backslash,
      raw[index + 1] == UInt8(ascii: "u"), let trail = codeUnit(at: index + 2), UTF16.isTrailSurrogate(trail)
    {
      index += 6
      return Unicode.Scalar(0x10000 + (UInt32(unit) - 0xD800) << 10 + (UInt32(trail) - 0xDC00))
    }
    return Unicode.Scalar(UInt32(unit)) ?? "\u{FFFD}"
  }

  private func codeUnit(at index: Int) -> UInt16? {
    guard index + 4 <= raw.count else { return nil }
    var unit: UInt16 = 0
    for byte in raw[index..<index + 4] {
      guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { return nil }
      unit = unit << 4 | UInt16(digit)
    }
    return unit
  }
}

/// Lets `switch` compare a key with literals.
func ~= (pattern: StaticString, text: JSONText) -> Bool {
  if text.isEscaped { return text.string == "\(pattern)" }
  return text.raw.equals(pattern)
}

extension JSONText {
  static func == (text: JSONText, literal: StaticString) -> Bool { literal ~= text }
}
