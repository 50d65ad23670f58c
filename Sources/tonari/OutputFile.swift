import Foundation

/// A file that is written as a whole or not at all.
struct OutputFile: Sendable {
  /// Why a file could not be written.
  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  /// The path as the user gave it.
  let path: String

  /// Refuses a path whose folder is not there or cannot be written to.
  func check() throws(Failure) {
    let folder = URL(filePath: path).deletingLastPathComponent().path
    guard FileManager.default.isWritableFile(atPath: folder) else {
      throw Failure(description: "\(path): cannot be written: there is no folder '\(folder)' that can be written to")
    }
  }

  /// Puts the text where the file is to be, in one step: a reader sees the file as it was or as it is now.
  func write(_ text: String) throws(Failure) {
    do {
      try Data(text.utf8).write(to: URL(filePath: path), options: .atomic)
    } catch {
      let reason = (error as NSError).localizedFailureReason ?? error.localizedDescription
      throw Failure(description: "\(path): cannot be written: \(reason)")
    }
  }
}
