/// Why a request of a scheduler cannot be answered.
package struct ProtocolError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kind of error.
  package struct Code: Hashable, Sendable {
    private enum Value { case malformed, tooLarge, busy }
    private var value: Value

    /// The bytes are no request of the protocol.
    package static let malformed = Code(value: .malformed)
    /// The request is larger than is taken.
    package static let tooLarge = Code(value: .tooLarge)
    /// Other requests have taken all the memory that there is for requests.
    package static let busy = Code(value: .busy)
  }

  /// The kind of error.
  package var code: Code
  /// What was found where, and what was expected.
  package var message: String

  /// Makes an error.
  package init(code: Code, message: String) {
    self.code = code
    self.message = message
  }

  /// The message.
  package var description: String { message }
}
