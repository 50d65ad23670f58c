import Foundation
import Report

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Standard output or standard error, and what can be shown on it.
struct Terminal: Sendable {
  fileprivate let descriptor: Int32

  /// Where results go.
  static let output = StandardOutput()
  /// Where everything else goes.
  static let messages = Terminal(descriptor: STDERR_FILENO)

  /// Whether control codes may be used at all: a terminal that is not dumb.
  var takesControlCodes: Bool {
    isatty(descriptor) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"
  }

  /// How to lay out text here. Colours are left out where `NO_COLOR` is set (https://no-color.org).
  var style: TerminalStyle {
    guard takesControlCodes else { return TerminalStyle() }
    let noColor = ProcessInfo.processInfo.environment["NO_COLOR"] ?? ""
    let columns = Int(clamping: size.ws_col)
    return TerminalStyle(width: columns > 0 ? columns : nil, color: noColor.isEmpty)
  }

  /// How many lines are seen at once; nil where that is not known.
  var height: Int? {
    let rows = Int(clamping: size.ws_row)
    return takesControlCodes && rows > 0 ? rows : nil
  }

  /// Zeros where it is not known.
  private var size: winsize {
    var size = winsize()
    return ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 ? size : winsize()
  }

  /// What moves about on a terminal. All else that could act on one is taken out of what is written there.
  enum Control: String {
    /// Back to the start of the line, which is cleared.
    case clearLine = "\r\u{1B}[K"
    /// Back to the top, and what is below is cleared: no flicker.
    case clearScreen = "\u{1B}[H\u{1B}[J"
  }

  /// Writes text: to a file or a pipe as it is, to a terminal without anything that acts on it but emphasis. Where it
  /// cannot be written there is nobody to tell.
  func write(_ text: String, after control: Control? = nil) {
    try? put(text, after: control)
  }

  /// Writes text. A reader that went away, such as `head`, is no fault.
  fileprivate func put(_ text: String, after control: Control?) throws(StandardOutput.Failure) {
    let shown = isatty(descriptor) == 1 ? TerminalStyle.harmless(text) : text
    var rest = Array(((control?.rawValue ?? "") + shown).utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { writeBytes(descriptor, $0.baseAddress, $0.count) }
      if count > 0 {
        rest = rest.dropFirst(count)
        continue
      }
      switch errno {
      case EINTR: continue
      case EAGAIN:
        // Whoever shares the terminal or pipe made it non-blocking.
        var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        _ = poll(&ready, 1, -1)
      case EPIPE: return
      default: throw StandardOutput.Failure(reason: String(cString: strerror(errno)))
      }
    }
  }
}

/// Where results go. What cannot be written is an error: a full disk must not pass for a result.
struct StandardOutput: Sendable {
  /// Why nothing more could be written.
  struct Failure: Error, CustomStringConvertible {
    var reason: String
    var description: String { "standard output: cannot be written: \(reason)" }
  }

  /// What can be shown there.
  let terminal = Terminal(descriptor: STDOUT_FILENO)

  /// How to lay out text there.
  var style: TerminalStyle { terminal.style }

  /// Writes text, all of it. A reader that went away, such as `head`, is no fault.
  func write(_ text: String, after control: Terminal.Control? = nil) throws(Failure) {
    try terminal.put(text, after: control)
  }
}

// The C function whose name a member above hides.
private func writeBytes(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
  write(descriptor, bytes, count)
}
