/// Why statistics could not be read.
public struct StatisticsError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kind of error.
  public struct Code: Hashable, Sendable {
    private enum Value { case badAddress, refused, invalidAnswer }
    private var value: Value

    /// The address is none that can be asked.
    public static let badAddress = Code(value: .badAddress)
    /// The answer was no.
    public static let refused = Code(value: .refused)
    /// The answer says something else than what was asked for.
    public static let invalidAnswer = Code(value: .invalidAnswer)
  }

  /// The kind of error.
  public var code: Code
  /// Who was asked, what was found and what was expected.
  public var message: String

  /// The message.
  public var description: String { message }
}
