/// Why an HTTP exchange came to nothing.
public struct TransportError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kind of error.
  public struct Code: Hashable, Sendable {
    private enum Value { case invalidRequest, notConnected, notTrusted, broken, timedOut, invalidResponse, closed }
    private var value: Value

    /// The request cannot be sent as it is: a URL, certificate or key that is none.
    public static let invalidRequest = Code(value: .invalidRequest)
    /// No connection came about.
    public static let notConnected = Code(value: .notConnected)
    /// The server is not who it should be, or does not take the client's certificate.
    public static let notTrusted = Code(value: .notTrusted)
    /// The connection broke.
    public static let broken = Code(value: .broken)
    /// It took too long, or the connection was silent for too long.
    public static let timedOut = Code(value: .timedOut)
    /// What came back is not HTTP, or is longer than allowed.
    public static let invalidResponse = Code(value: .invalidResponse)
    /// The transport has been closed.
    public static let closed = Code(value: .closed)
  }

  /// The kind of error.
  public var code: Code
  /// What happened.
  public var message: String
  /// Whether the server may have got the request. False only where it surely has not.
  public var mayHaveReachedServer: Bool

  /// Makes an error.
  public init(code: Code, message: String, mayHaveReachedServer: Bool) {
    self.code = code
    self.message = message
    self.mayHaveReachedServer = mayHaveReachedServer
  }

  /// The message.
  public var description: String { message }
}
