/// Why a selector can't listen for framed connections.
public struct FramedError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What kind of error it is.
  public struct Code: Hashable, Sendable {
    private enum Value { case invalidAddress, cannotListen }
    private let value: Value

    /// What was given is no address.
    public static let invalidAddress = Code(value: .invalidAddress)
    /// The address is in use, not here, or not allowed.
    public static let cannotListen = Code(value: .cannotListen)
  }

  /// What kind of error it is.
  public var code: Code
  /// What was found and what was expected.
  public var message: String

  init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// The message.
  public var description: String { message }
}
