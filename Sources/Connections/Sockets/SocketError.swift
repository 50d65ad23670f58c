/// Why a server cannot listen.
package struct SocketError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What kind of error it is.
  package struct Code: Hashable, Sendable {
    private enum Value { case invalidAddress, inUse, cannotListen }
    private let value: Value

    /// What was given is no address.
    package static let invalidAddress = Code(value: .invalidAddress)
    /// Somebody else listens there, or a file is there that is no socket.
    package static let inUse = Code(value: .inUse)
    /// The address is not here, or not allowed.
    package static let cannotListen = Code(value: .cannotListen)
  }

  /// What kind of error it is.
  package var code: Code
  /// What was found and what was expected.
  package var message: String

  package init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// The message.
  package var description: String { message }
}
