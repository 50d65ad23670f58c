/// Why a request to a selector was not done.
public struct SelectorFault: Error, Hashable, Sendable, CustomStringConvertible {
  /// What kind of fault it is, with the number of gRPC's status code.
  public struct Code: Hashable, Sendable {
    /// The number of gRPC's status code.
    public let number: UInt32

    /// The request cannot be understood or is out of bounds.
    public static let invalidArgument = Code(number: 3)
    /// There is no such service or replica.
    public static let notFound = Code(number: 5)
    /// The caller may not do it.
    public static let permissionDenied = Code(number: 7)
    /// There is no more of something: retries, room.
    public static let resourceExhausted = Code(number: 8)
    /// There is no such request.
    public static let unimplemented = Code(number: 12)
    /// The service has no replica, or the selector ends.
    public static let unavailable = Code(number: 14)
    /// What the caller proves itself with is not good.
    public static let unauthenticated = Code(number: 16)
  }

  /// What kind of fault it is.
  public var code: Code
  /// What was found and what was expected.
  public var message: String
  /// After how many milliseconds to try again; 0 where nobody knows.
  public var retryAfterMilliseconds: UInt32

  /// Makes a fault.
  public init(_ code: Code, _ message: String, retryAfterMilliseconds: UInt32 = 0) {
    self.code = code
    self.message = message
    self.retryAfterMilliseconds = retryAfterMilliseconds
  }

  /// The message.
  public var description: String { message }
}
