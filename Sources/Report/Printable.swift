/// What keeps text from outside, such as names, from doing anything but being read.
extension StringProtocol {
  /// The text without anything that could act on a terminal or a page instead of being read: tabs and line ends become
  /// spaces, other control characters, bidirectional controls and noncharacters become U+FFFD.
  package var printable: String {
    guard unicodeScalars.contains(where: \.isUnprintable) else { return String(self) }
    var result = String.UnicodeScalarView()
    for scalar in unicodeScalars {
      switch scalar {
      case "\t", "\n", "\r", "\u{2028}", "\u{2029}": result.append(" ")
      case _ where scalar.isUnprintable: result.append("\u{FFFD}")
      default: result.append(scalar)
      }
    }
    return String(result)
  }
}

extension TerminalStyle {
  /// The codes that are written, each as it is.
  static let codes = ["\u{1B}[0m", "\u{1B}[1m", "\u{1B}[2m", "\u{1B}[32m", "\u{1B}[33m"]

  /// A whole output without anything that could act on a terminal, but for line feeds, tabs and the codes of emphasis.
  package static func harmless(_ text: String) -> String {
    func isHarmful(_ scalar: Unicode.Scalar) -> Bool { scalar != "\n" && scalar != "\t" && scalar.isUnprintable }
    guard text.unicodeScalars.contains(where: isHarmful) else { return text }
    var result = String.UnicodeScalarView()
    var rest = text.unicodeScalars[...]
    while let scalar = rest.first {
      if scalar == "\u{1B}", let code = codes.first(where: { rest.starts(with: $0.unicodeScalars) }) {
        result += code.unicodeScalars
        rest = rest.dropFirst(code.unicodeScalars.count)
      } else {
        result.append(isHarmful(scalar) ? "\u{FFFD}" : scalar)
        rest = rest.dropFirst()
      }
    }
    return String(result)
  }
}

extension Unicode.Scalar {
  /// Control characters, line separators, bidirectional controls and what is no character at all.
  var isUnprintable: Bool {
    switch value {
    case 0..<0x20, 0x7F..<0xA0, 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
    default: properties.isNoncharacterCodePoint
    }
  }
}
