/// Why a server cannot listen.
public struct SocketError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What kind of error it is.
  public struct Code: Hashable, Sendable {
    private enum Value { case invalidAddress, inUse, cannotListen }
    private let value: Value

    /// What was given is no address.
    public static let invalidAddress = Code(value: .invalidAddress)
    /// Somebody else listens there, or a file is there that is no socket.
    public static let inUse = Code(value: .inUse)
    /// The address is not here, or not allowed.
    public static let cannotListen = Code(value: .cannotListen)
  }

  /// What kind of error it is.
  public var code: Code
  /// What was found and what was expected.
  public var message: String

  package init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// The message.
  public var description: String { message }
}
