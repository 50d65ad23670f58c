/// Why a broker cannot be spoken to.
package struct MessagingError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kind of error.
  package struct Code: Hashable, Sendable {
    private enum Value { case badConfiguration, library }
    private var value: Value

    /// The configuration cannot be, or a file that it names cannot be read.
    package static let badConfiguration = Code(value: .badConfiguration)
    /// The MQTT library refuses.
    package static let library = Code(value: .library)
  }

  /// The kind of error.
  package var code: Code
  /// The broker, what was found and what was expected.
  package var message: String

  /// Makes an error.
  package init(code: Code, message: String) {
    self.code = code
    self.message = message
  }

  /// The message.
  package var description: String { message }
}
