/// A pattern for names that have parts: `*` stands for any characters within a part, `**` for any at all.
package struct NamePattern: Hashable, Sendable, CustomStringConvertible {
  private enum Element: Hashable, Sendable {
    case byte(UInt8)
    /// Any bytes but the separator.
    case part
    case all
  }

  private let elements: [Element]
  private let separator: UInt8
  /// The pattern as it is written.
  package let description: String

  /// Reads a pattern.
  ///
  /// - Parameter separator: what is between parts; an ASCII character.
  package init(_ text: String, separator: Character) {
    description = text
    self.separator = separator.asciiValue ?? 0
    var elements: [Element] = []
    for byte in text.utf8 {
      guard byte == UInt8(ascii: "*") else {
        elements.append(.byte(byte))
        continue
      }
      switch elements.last {
      case .part?, .all?: elements[elements.count - 1] = .all
      case .byte?, nil: elements.append(.part)
      }
    }
    self.elements = elements
  }

  /// Whether a name is one of those.
  ///
  /// Goes through the name once for each element, so that no pattern makes it take long.
  package func matches(_ name: some StringProtocol) -> Bool {
    let bytes = Array(name.utf8)
    // Whether the elements so far match the bytes before each position.
    var reached = [Bool](repeating: false, count: bytes.count + 1)
    reached[0] = true
    for element in elements {
      switch element {
      case .byte(let byte):
        for position in stride(from: bytes.count, to: 0, by: -1) {
          reached[position] = reached[position - 1] && bytes[position - 1] == byte
        }
        reached[0] = false
      case .part:
        for position in bytes.indices where reached[position] && bytes[position] != separator {
          reached[position + 1] = true
        }
      case .all:
        for position in bytes.indices where reached[position] { reached[position + 1] = true }
      }
    }
    return reached[bytes.count]
  }
}
