import Foundation
import Report

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Standard output or standard error, and what can be shown on it.
struct Terminal: Sendable {
  private let descriptor: Int32
  private let handle: FileHandle

  /// Where results go.
  static let output = Terminal(descriptor: STDOUT_FILENO, handle: .standardOutput)
  /// Where everything else goes.
  static let messages = Terminal(descriptor: STDERR_FILENO, handle: .standardError)

  /// Whether control codes may be used at all: a terminal that is not dumb.
  var takesControlCodes: Bool {
    isatty(descriptor) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"
  }

  /// How to lay out text here. Colours are left out where `NO_COLOR` is set (https://no-color.org).
  var style: TerminalStyle {
    guard takesControlCodes else { return TerminalStyle() }
    let noColor = ProcessInfo.processInfo.environment["NO_COLOR"] ?? ""
    return TerminalStyle(width: width, color: noColor.isEmpty)
  }

  private var width: Int? {
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return Int(clamping: size.ws_col)
  }

  /// What moves about on a terminal. All else that could act on one is taken out of what is written there.
  enum Control: String {
    /// Back to the start of the line, which is cleared.
    case clearLine = "\r\u{1B}[K"
    /// Back to the top, and what is below is cleared: no flicker.
    case clearScreen = "\u{1B}[H\u{1B}[J"
  }

  /// Writes text: to a file or a pipe as it is, to a terminal without anything that acts on it but emphasis. A reader that
  /// went away, such as `head`, is no fault.
  func write(_ text: String, after control: Control? = nil) {
    let shown = isatty(descriptor) == 1 ? TerminalStyle.harmless(text) : text
    try? handle.write(contentsOf: Data(((control?.rawValue ?? "") + shown).utf8))
  }
}
