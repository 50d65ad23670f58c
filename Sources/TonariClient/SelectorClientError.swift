/// Why there is no pick.
public struct SelectorClientError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What kind of error it is.
  public struct Code: Hashable, Sendable {
    private enum Value {
      case unavailable, timedOut, noService, noReplica, noRetryLeft, noRoom, invalidRequest, closed
    }

    private let value: Value

    /// No selector is in reach, and nothing is known of the service.
    public static let unavailable = Code(value: .unavailable)
    /// The selector did not answer in time, and nothing is known of the service.
    public static let timedOut = Code(value: .timedOut)
    /// The selector knows no such service.
    public static let noService = Code(value: .noService)
    /// The service has no replica for the request.
    public static let noReplica = Code(value: .noReplica)
    /// The service allows no retry at present, or has as many requests as it may.
    public static let noRetryLeft = Code(value: .noRetryLeft)
    /// Neither this cluster nor another that the request may be sent on to has room for it:
    /// see ``SelectorClientError/retryAfter``.
    public static let noRoom = Code(value: .noRoom)
    /// The selector did not take the request.
    public static let invalidRequest = Code(value: .invalidRequest)
    /// The client has ended, or does not run.
    public static let closed = Code(value: .closed)
  }

  /// What kind of error it is.
  public var code: Code
  /// What happened.
  public var message: String
  /// After what time to try again, as the selector says; nil where it says nothing of it.
  public var retryAfter: Duration?

  /// Makes an error.
  public init(_ code: Code, _ message: String, retryAfter: Duration? = nil) {
    self.code = code
    self.message = message
    self.retryAfter = retryAfter
  }

  /// The message.
  public var description: String { message }
}
