/// What the terminal that reads a text can do.
package struct TerminalStyle: Hashable, Sendable {
  /// How many columns there are; nil where lines may be of any length (a file or a pipe).
  package var width: Int?
  /// Whether bold and colours are wanted. Without it, output holds no control code but the line feed.
  package var color: Bool

  /// Makes a style; by default lines of any length without colours.
  package init(width: Int? = nil, color: Bool = false) {
    self.width = width
    self.color = color
  }

  /// How a piece of text stands out. Without colours all look alike, so no meaning may hang on it alone.
  package enum Emphasis: Hashable, Sendable {
    /// Ordinary text.
    case plain
    /// Titles and what one looks for first.
    case strong
    /// What one may skip.
    case faint
    /// Better than before.
    case good
    /// Worth a look.
    case warning
  }

  /// Wraps a text in the control codes of an emphasis, where colours are wanted.
  func apply(_ emphasis: Emphasis, to text: String) -> String {
    guard color, !text.isEmpty else { return text }
    switch emphasis {
    case .plain: return text
    case .strong: return "\u{1B}[1m\(text)\u{1B}[0m"
    case .faint: return "\u{1B}[2m\(text)\u{1B}[0m"
    case .good: return "\u{1B}[32m\(text)\u{1B}[0m"
    case .warning: return "\u{1B}[33m\(text)\u{1B}[0m"
    }
  }
}
