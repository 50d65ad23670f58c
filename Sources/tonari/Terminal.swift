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
    return Int(size.ws_col)
  }

  /// Writes text as it is. A reader that went away, such as `head`, is no fault.
  func write(_ text: String) {
    try? handle.write(contentsOf: Data(text.utf8))
  }
}
