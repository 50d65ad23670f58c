/// Why a traffic dump could not be read: where, what was found, what was expected.
public struct TrafficError: Error, Hashable, Sendable {
  /// The kind of a ``TrafficError``.
  public struct Code: Hashable, Sendable, CustomStringConvertible {
    private enum Value: String {
      case malformed, unexpected, unrecognized, refused, tooLarge
    }

    private let value: Value

    private init(_ value: Value) {
      self.value = value
    }

    /// The bytes are not well-formed JSON or CSV.
    public static let malformed = Self(.malformed)
    /// The bytes are well formed, but not what the format has at this place.
    public static let unexpected = Self(.unexpected)
    /// No format was recognized in the content.
    public static let unrecognized = Self(.unrecognized)
    /// The dump is the record of a query that failed.
    public static let refused = Self(.refused)
    /// One document or row is larger than what is read at once.
    public static let tooLarge = Self(.tooLarge)

    /// The code's name.
    public var description: String { value.rawValue }
  }

  /// The kind of error.
  public var code: Code
  /// The name of the dump as it was given to the reader.
  public var source: String
  /// The line, counted from 1, where that is known.
  public var line: Int?
  /// The JSON path, such as `$.data.result[3].value`, where the dump is JSON.
  public var path: String?
  /// What was found and what was expected.
  public var message: String

  /// Makes an error.
  public init(code: Code, source: String, line: Int? = nil, path: String? = nil, message: String) {
    self.code = code
    self.source = source
    self.line = line
    self.path = path
    self.message = message
  }
}

extension TrafficError: CustomStringConvertible {
  /// `source:line: path: message`, without the parts that are not known.
  public var description: String {
    let place = line.map { "\(source):\($0)" } ?? source
    return [place, path, message].compactMap { $0 }.joined(separator: ": ")
  }
}
