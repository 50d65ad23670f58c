/// Why statistics could not be read.
package struct StatisticsError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kind of error.
  package struct Code: Hashable, Sendable {
    private enum Value { case badAddress, refused, invalidAnswer }
    private var value: Value

    /// The address is none that can be asked.
    package static let badAddress = Code(value: .badAddress)
    /// The answer was no.
    package static let refused = Code(value: .refused)
    /// The answer says something else than what was asked for.
    package static let invalidAnswer = Code(value: .invalidAnswer)
  }

  /// The kind of error.
  package var code: Code
  /// Who was asked, what was found and what was expected.
  package var message: String

  /// The message.
  package var description: String { message }
}
