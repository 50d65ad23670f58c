/// Why a file could not be read, or not taken.
public struct FileError: Error, Hashable, Sendable {
  /// The kind of a ``FileError``.
  public struct Code: Hashable, Sendable, CustomStringConvertible {
    private enum Value: String {
      case notOpened, notRead, corrupt, tooLarge, invalid
    }

    private let value: Value

    private init(_ value: Value) {
      self.value = value
    }

    /// The file does not exist, is a directory, or may not be opened.
    public static let notOpened = Self(.notOpened)
    /// The operating system failed to read from the open file.
    public static let notRead = Self(.notRead)
    /// The file's gzip data is damaged or incomplete.
    public static let corrupt = Self(.corrupt)
    /// The file holds more than its reader takes.
    public static let tooLarge = Self(.tooLarge)

    /// The file says something that its reader does not take.
    public static let invalid = Self(.invalid)

    /// The code's name.
    public var description: String { value.rawValue }
  }

  /// The kind of error.
  public var code: Code
  /// The file, as ``InputFile/name`` has it.
  public var file: String
  /// What happened.
  public var message: String

  /// Makes an error.
  public init(code: Code, file: String, message: String) {
    self.code = code
    self.file = file
    self.message = message
  }
}

extension FileError: CustomStringConvertible {
  /// `file: message`.
  public var description: String { "\(file): \(message)" }
}
