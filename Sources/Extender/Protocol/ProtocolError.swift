/// Why a request of a scheduler cannot be answered.
public struct ProtocolError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kind of error.
  public struct Code: Hashable, Sendable {
    private enum Value { case malformed, tooLarge, busy }
    private var value: Value

    /// The bytes are no request of the protocol.
    public static let malformed = Code(value: .malformed)
    /// The request is larger than is taken.
    public static let tooLarge = Code(value: .tooLarge)
    /// Other requests have taken all the memory that there is for requests.
    public static let busy = Code(value: .busy)
  }

  /// The kind of error.
  public var code: Code
  /// What was found where, and what was expected.
  public var message: String

  /// Makes an error.
  public init(code: Code, message: String) {
    self.code = code
    self.message = message
  }

  /// The message.
  public var description: String { message }
}
