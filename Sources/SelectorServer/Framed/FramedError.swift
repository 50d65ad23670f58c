/// Why a selector can't listen for framed connections.
package struct FramedError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What kind of error it is.
  package struct Code: Hashable, Sendable {
    private enum Value { case invalidAddress, cannotListen }
    private let value: Value

    /// What was given is no address.
    package static let invalidAddress = Code(value: .invalidAddress)
    /// The address is in use, not here, or not allowed.
    package static let cannotListen = Code(value: .cannotListen)
  }

  /// What kind of error it is.
  package var code: Code
  /// What was found and what was expected.
  package var message: String

  init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// The message.
  package var description: String { message }
}
