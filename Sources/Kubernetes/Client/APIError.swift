/// Why a request to the API server failed.
public struct APIError: Error, Sendable, CustomStringConvertible {
  /// The kind of error.
  public struct Code: Hashable, Sendable {
    private enum Value {
      case refused, unreachable, timedOut, notTrusted, notAuthenticated, invalidRequest, invalidResponse
    }
    private var value: Value

    /// The API server said no; ``APIError/status`` says why.
    public static let refused = Code(value: .refused)
    /// There is no connection to the API server, or it broke.
    public static let unreachable = Code(value: .unreachable)
    /// The API server took too long.
    public static let timedOut = Code(value: .timedOut)
    /// The server's certificate is not the one that it should have, or it does not take ours.
    public static let notTrusted = Code(value: .notTrusted)
    /// The credentials cannot be had: a file that cannot be read, a plugin that fails.
    public static let notAuthenticated = Code(value: .notAuthenticated)
    /// The request cannot be sent as it is.
    public static let invalidRequest = Code(value: .invalidRequest)
    /// What came back is not what an API server answers.
    public static let invalidResponse = Code(value: .invalidResponse)
  }

  /// The kind of error.
  public var code: Code
  /// What happened.
  public var message: String
  /// Method and path of the request; empty where the error is not that of a request.
  public var request: String
  /// The API server's answer, where there is one.
  public var status: APIStatus?
  /// How long the API server asks to wait until the next try.
  public var retryAfter: Duration?
  /// Whether the request may have had its effect all the same.
  public var mayHaveTakenEffect: Bool

  /// Makes an error.
  public init(
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
  public var description: String { request.isEmpty ? message : "\(request): \(message)" }
}

extension APIError {
  /// There is no such object (404).
  public var isNotFound: Bool { status?.code == 404 }
  /// An object of that name is there already.
  public var isAlreadyExists: Bool { status?.reason == "AlreadyExists" }
  /// The object has changed since it was read, or a precondition does not hold (409).
  public var isConflict: Bool { status?.code == 409 && !isAlreadyExists }
  /// The version or the place in a list is too old to go on from (410).
  public var isExpired: Bool { status?.code == 410 }
  /// The API server does not know who asks (401).
  public var isUnauthorized: Bool { status?.code == 401 }
  /// Whoever asks may not do that (403).
  public var isForbidden: Bool { status?.code == 403 }

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
