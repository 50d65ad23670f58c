import Foundation
import Report

/// Takes what a log handler writes, a line at a time, to standard error. Names from outside are part of such a line: line
/// feeds in them would make lines of their own, and control codes act on the terminal that shows them, so both are taken
/// out here, whoever logs what.
struct LogLines: TextOutputStream {
  var output = FileHandle.standardError

  /// The line without anything that makes another one of it.
  static func line(_ text: String) -> String {
    (text.hasSuffix("\n") ? text.dropLast() : text[...]).printable + "\n"
  }

  /// Writes a line. A reader that went away is no fault.
  func write(_ text: String) {
    try? output.write(contentsOf: Data(Self.line(text).utf8))
  }
}
