/// Why an HTTP exchange came to nothing.
package struct TransportError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kind of error.
  package struct Code: Hashable, Sendable {
    private enum Value { case invalidRequest, notConnected, notTrusted, broken, timedOut, invalidResponse, closed }
    private var value: Value

    /// The request cannot be sent as it is: a URL, certificate or key that is none.
    package static let invalidRequest = Code(value: .invalidRequest)
    /// No connection came about.
    package static let notConnected = Code(value: .notConnected)
    /// The server is not who it should be, or does not take the client's certificate.
    package static let notTrusted = Code(value: .notTrusted)
    /// The connection broke.
    package static let broken = Code(value: .broken)
    /// It took too long, or the connection was silent for too long.
    package static let timedOut = Code(value: .timedOut)
    /// What came back is not HTTP, or is longer than allowed.
    package static let invalidResponse = Code(value: .invalidResponse)
    /// The transport has been closed.
    package static let closed = Code(value: .closed)
  }

  /// The kind of error.
  package var code: Code
  /// What happened.
  package var message: String
  /// Whether the server may have got the request. False only where it surely has not.
  package var mayHaveReachedServer: Bool

  /// Makes an error.
  package init(code: Code, message: String, mayHaveReachedServer: Bool) {
    self.code = code
    self.message = message
    self.mayHaveReachedServer = mayHaveReachedServer
  }

  /// The message.
  package var description: String { message }
}
