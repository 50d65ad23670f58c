/// Why a traffic dump could not be read: where, what was found, what was expected.
package struct TrafficError: Error, Hashable, Sendable {
  /// The kind of a ``TrafficError``.
  package struct Code: Hashable, Sendable, CustomStringConvertible {
    private enum Value: String {
      case malformed, unexpected, unrecognized, refused, tooLarge
    }

    private let value: Value

    private init(_ value: Value) {
      self.value = value
    }

    /// The bytes are not well-formed JSON or CSV.
    package static let malformed = Self(.malformed)
    /// The bytes are well formed, but not what the format has at this place.
    package static let unexpected = Self(.unexpected)
    /// No format was recognized in the content.
    package static let unrecognized = Self(.unrecognized)
    /// The dump is the record of a query that failed.
    package static let refused = Self(.refused)
    /// One document or row is larger than what is read at once.
    package static let tooLarge = Self(.tooLarge)

    /// The code's name.
    package var description: String { value.rawValue }
  }

  /// The kind of error.
  package var code: Code
  /// The name of the dump as it was given to the reader.
  package var source: String
  /// The line, counted from 1, where that is known.
  package var line: Int?
  /// The JSON path, such as `$.data.result[3].value`, where the dump is JSON.
  package var path: String?
  /// What was found and what was expected.
  package var message: String

  /// Makes an error.
  package init(code: Code, source: String, line: Int? = nil, path: String? = nil, message: String) {
    self.code = code
    self.source = source
    self.line = line
    self.path = path
    self.message = message
  }
}

extension TrafficError: CustomStringConvertible {
  /// `source:line: path: message`, without the parts that are not known.
  package var description: String {
    let place = line.map { "\(source):\($0)" } ?? source
    return [place, path, message].compactMap { $0 }.joined(separator: ": ")
  }
}
