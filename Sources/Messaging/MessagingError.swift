/// Why a broker cannot be spoken to.
public struct MessagingError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kind of error.
  public struct Code: Hashable, Sendable {
    private enum Value { case badConfiguration, library }
    private var value: Value

    /// The configuration cannot be, or a file that it names cannot be read.
    public static let badConfiguration = Code(value: .badConfiguration)
    /// The MQTT library refuses.
    public static let library = Code(value: .library)
  }

  /// The kind of error.
  public var code: Code
  /// The broker, what was found and what was expected.
  public var message: String

  /// Makes an error.
  public init(code: Code, message: String) {
    self.code = code
    self.message = message
  }

  /// The message.
  public var description: String { message }
}
