/// How much room text takes in a terminal, and cutting it to size.
extension StringProtocol {
  /// How many terminal columns the text takes: two for East Asian wide characters and emoji, none for combining marks.
  var displayWidth: Int { reduce(0) { $0 + $1.displayWidth } }

  /// The text in at most `width` columns; where it is cut, it ends in an ellipsis.
  package func truncated(to width: Int) -> String {
    guard displayWidth > width else { return String(self) }
    guard width > 0 else { return "" }
    var used = 0
    let kept = prefix { character in
      used += character.displayWidth
      return used < width
    }
    return kept + "…"
  }

  /// The text in at most `width` columns, the middle left out where it is too long: the ends of node and pod names
  /// tell more than their middle.
  func truncatedInMiddle(to width: Int) -> String {
    guard displayWidth > width else { return String(self) }
    guard width > 4 else { return truncated(to: width) }
    let tail = String(String(reversed()).truncated(to: width / 2).dropLast().reversed())
    return truncated(to: width - tail.displayWidth) + tail
  }

  /// The text in lines of at most `width` columns, broken at spaces and, where a word is longer, anywhere.
  package func wrapped(to width: Int) -> [String] {
    let width = Swift.max(1, width)
    var lines: [String] = []
    var line = ""
    var lineWidth = 0
    for word in split(separator: " ") {
      let wordWidth = word.displayWidth
      if lineWidth > 0, lineWidth + 1 + wordWidth <= width {
        line += " " + word
        lineWidth += 1 + wordWidth
        continue
      }
      if lineWidth > 0 { lines.append(line) }
      (line, lineWidth) = ("", 0)
      for character in word {
        let characterWidth = character.displayWidth
        if lineWidth > 0, lineWidth + characterWidth > width {
          lines.append(line)
          (line, lineWidth) = ("", 0)
        }
        line.append(character)
        lineWidth += characterWidth
      }
    }
    return lineWidth > 0 || lines.isEmpty ? lines + [line] : lines
  }

  /// The text without spaces at its ends.
  var trimmed: String {
    guard let start = firstIndex(where: { $0 != " " }), let end = lastIndex(where: { $0 != " " }) else { return "" }
    return String(self[start...end])
  }
}

extension Character {
  /// How many terminal columns the character takes.
  var displayWidth: Int {
    if let ascii = asciiValue { return ascii < 0x20 || ascii == 0x7F ? 0 : 1 }
    guard let first = unicodeScalars.first else { return 0 }
    if unicodeScalars.contains(where: { $0 == "\u{FE0F}" || $0.properties.isEmojiPresentation }) { return 2 }
    switch first.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format, .control: return 0
    default: return first.isEastAsianWide ? 2 : 1
    }
  }
}

extension Unicode.Scalar {
  /// East Asian Width W or F (Unicode UAX #11), by blocks.
  fileprivate var isEastAsianWide: Bool {
    switch value {
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x4DBF, 0x4E00...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3,
      0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF01...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F900...0x1F9FF,
      0x20000...0x3FFFD:
      true
    default: false
    }
  }
}
