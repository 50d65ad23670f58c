import Connections

/// Why a request to the API server failed.
package struct APIError: Error, Sendable, CustomStringConvertible {
  /// The kind of error.
  package struct Code: Hashable, Sendable {
    private enum Value {
      case refused, unreachable, timedOut, notTrusted, notAuthenticated, invalidRequest, invalidResponse
    }
    private var value: Value

    /// The API server said no; ``APIError/status`` says why.
    package static let refused = Code(value: .refused)
    /// There is no connection to the API server, or it broke.
    package static let unreachable = Code(value: .unreachable)
    /// The API server took too long.
    package static let timedOut = Code(value: .timedOut)
    /// The server's certificate is not the one that it should have, or it does not take ours.
    package static let notTrusted = Code(value: .notTrusted)
    /// The credentials cannot be had: a file that cannot be read, a plugin that fails.
    package static let notAuthenticated = Code(value: .notAuthenticated)
    /// The request cannot be sent as it is.
    package static let invalidRequest = Code(value: .invalidRequest)
    /// What came back is not what an API server answers.
    package static let invalidResponse = Code(value: .invalidResponse)
  }

  /// The kind of error.
  package var code: Code
  /// What happened.
  package var message: String
  /// Method and path of the request; empty where the error is not that of a request.
  package var request: String
  /// The API server's answer, where there is one.
  package var status: APIStatus?
  /// How long the API server asks to wait until the next try.
  package var retryAfter: Duration?
  /// Whether the request may have had its effect all the same.
  package var mayHaveTakenEffect: Bool

  /// Makes an error.
  package init(
    code: Code, message: String, request: String = "", status: APIStatus? = nil, retryAfter: Duration? = nil,
    mayHaveTakenEffect: Bool = true
  ) {
    self.code = code
    self.message = message
    self.request = request
    self.status = status
    self.retryAfter = retryAfter
    self.mayHaveTakenEffect = mayHaveTakenEffect
  }

  /// `request: message`.
  package var description: String { request.isEmpty ? message : "\(request): \(message)" }
}

extension APIError {
  /// There is no such object (404).
  package var isNotFound: Bool { status?.code == 404 }
  /// An object of that name is there already.
  package var isAlreadyExists: Bool { status?.reason == "AlreadyExists" }
  /// The object has changed since it was read, or a precondition does not hold (409).
  package var isConflict: Bool { status?.code == 409 && !isAlreadyExists }
  /// The version or the place in a list is too old to go on from (410).
  package var isExpired: Bool { status?.code == 410 }
  /// The API server does not know who asks (401).
  package var isUnauthorized: Bool { status?.code == 401 }
  /// Whoever asks may not do that (403).
  package var isForbidden: Bool { status?.code == 403 }

  /// The error for an exchange that came to nothing.
  init(_ error: TransportError, request: String) {
    let code: Code =
      switch error.code {
      case .invalidRequest: .invalidRequest
      case .notTrusted: .notTrusted
      case .timedOut: .timedOut
      case .invalidResponse: .invalidResponse
      default: .unreachable
      }
    self.init(
      code: code, message: error.message, request: request, mayHaveTakenEffect: error.mayHaveReachedServer)
  }
}
