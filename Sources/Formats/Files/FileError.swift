/// Why a file could not be read, or not taken.
package struct FileError: Error, Hashable, Sendable {
  /// The kind of a ``FileError``.
  package struct Code: Hashable, Sendable, CustomStringConvertible {
    private enum Value: String {
      case notOpened, notRead, corrupt, tooLarge, invalid
    }

    private let value: Value

    private init(_ value: Value) {
      self.value = value
    }

    /// The file does not exist, is a directory, or may not be opened.
    package static let notOpened = Self(.notOpened)
    /// The operating system failed to read from the open file.
    package static let notRead = Self(.notRead)
    /// The file's gzip data is damaged or incomplete.
    package static let corrupt = Self(.corrupt)
    /// The file holds more than its reader takes.
    package static let tooLarge = Self(.tooLarge)

    /// The file says something that its reader does not take.
    package static let invalid = Self(.invalid)

    /// The code's name.
    package var description: String { value.rawValue }
  }

  /// The kind of error.
  package var code: Code
  /// The file, as ``InputFile/name`` has it.
  package var file: String
  /// What happened.
  package var message: String

  /// Makes an error.
  package init(code: Code, file: String, message: String) {
    self.code = code
    self.file = file
    self.message = message
  }
}

extension FileError: CustomStringConvertible {
  /// `file: message`.
  package var description: String { "\(file): \(message)" }
}
