import Connections
import FoundationEssentials
package import Logging
import Synchronization

/// Talks to an API server.
///
/// Objects come back as ``RawObject``: their JSON text, to be read as whatever type is wanted. A request that fails in
/// passing is tried again as ``RetryPolicy`` says. Every method throws ``APIError``, and `CancellationError` in a
/// cancelled task, whose request is given up at once, and for a write whose fence is closed: see ``fenced(by:)``.
package final class APIClient: Sendable {
  /// The most bytes that one object may have. etcd takes no more than 1.5 MiB, in a denser form.
  static let objectLimit = 32 << 20

  /// Where the API server is, and who we are to it.
  package let configuration: ClientConfiguration
  /// Who is said to set the fields that are written.
  package let fieldManager: String
  let retries: RetryPolicy
  let timeout: Duration
  let logger: Logger
  private let connections: Connections
  private let authenticator: Authenticator
  /// Until when writes may be under way; nil in it for not at all.
  private let fence: (@Sendable () -> ContinuousClock.Instant?)?

  /// The connections at hand.
  private final class Connections: Sendable {
    let transport = Mutex(HTTPTransport())
  }

  /// Makes a client with connections of its own. Nothing is sent yet.
  ///
  /// - Parameters:
  ///   - configuration: Where the API server is, and who we are to it.
  ///   - fieldManager: Who is said to set the fields that are written.
  ///   - retries: What is tried again after it failed, and when.
  ///   - timeout: How long one try of a request may take; watches and lists may take longer, but not be silent longer.
  ///   - logger: Is told what is tried again.
  package init(
    _ configuration: ClientConfiguration, fieldManager: String = "tonari", retries: RetryPolicy = RetryPolicy(),
    timeout: Duration = .seconds(30), logger: Logger = Logger(label: "tonari.kubernetes")
  ) {
    self.configuration = configuration
    self.fieldManager = fieldManager
    self.retries = retries
    self.timeout = timeout
    self.logger = logger
    authenticator = Authenticator(configuration)
    connections = Connections()
    fence = nil
  }

  private init(_ client: APIClient, fence: @escaping @Sendable () -> ContinuousClock.Instant?) {
    configuration = client.configuration
    fieldManager = client.fieldManager
    retries = client.retries
    timeout = client.timeout
    logger = client.logger
    connections = client.connections
    authenticator = client.authenticator
    self.fence = fence
  }

  /// This client for what a leader writes: a write is sent, the first time and each time again, only while the elector's
  /// process leads, and given up when its time is over. Else it ends in a `CancellationError`. Reads pass.
  ///
  /// What is on its way when a process is halted, nobody can call back. So a write should also name the version of the object
  /// that it is for: the next leader's write makes it a conflict.
  package func fenced(by elector: LeaderElector) -> APIClient {
    APIClient(self) { elector.leadsUntil }
  }

  /// Reads what is at a path that is no object's, such as `/version` or `/readyz`.
  package func read(path: String) async throws -> [UInt8] {
    try await exchange(APICall(method: "GET", path: path)) { try await $0.body.collect(upTo: Self.objectLimit) }
  }
}

/// One request to the API server, as it is sent again and again until it succeeds.
struct APICall: Sendable {
  var method: String
  /// The path, percent-encoded.
  var path: String
  var query: [(name: String, value: String)] = []
  var body: [UInt8]?
  var contentType = "application/json"
  var delivery = OutgoingRequest.Delivery.prompt
  /// How long one try may take; nil for the client's timeout. It does not hold for what is streamed.
  var timeout: Duration?
  /// For how long the connection may be silent while the answer streams in; nil for the client's timeout.
  var idleTimeout: Duration?
  /// Whether the request may take effect twice without harm.
  var isRepeatable = true
  /// What is tried again; nil for the client's policy.
  var retries: RetryPolicy?

  /// Path and query.
  var target: String {
    guard !query.isEmpty else { return path }
    return path + "?" + query.map { "\($0.name)=\(percentEncoded($0.value))" }.joined(separator: "&")
  }

  /// What errors call it.
  var description: String { "\(method) \(path)" }
}

// MARK: - Sending

extension APIClient {
  /// Sends a request until it succeeds or cannot, and reads the answer. `read` is called anew for each try.
  func exchange<Answer>(
    _ call: APICall, _ read: (IncomingResponse) async throws -> Answer
  ) async throws -> Answer {
    var policy = call.retries ?? retries
    var generator = SystemRandomNumberGenerator()
    var attempt = 1
    while true {
      do {
        return try await answer(to: call, read)
      } catch let error as APIError {
        try Task.checkCancellation()
        guard
          let delay = policy.delay(
            after: error, attempt: attempt, isRepeatable: call.isRepeatable, using: &generator)
        else { throw error }
        logger.info(
          "A request failed and will be sent again",
          metadata: ["request": "\(call.description)", "error": "\(error.message)", "delay": "\(delay)"])
        try await Task.sleep(for: delay)
        attempt += 1
      }
    }
  }

  /// Sends a request once, or twice where the first answer is that the credentials are not known and there are others.
  private func answer<Answer>(
    to call: APICall, _ read: (IncomingResponse) async throws -> Answer
  ) async throws -> Answer {
    let transport = connections.transport.withLock { $0 }
    var isSecondTry = false
    while true {
      do {
        let session = try await authenticator.session()
        let response = try await transport.send(fenced(request(call, session)))
        if response.status == 401, !isSecondTry, await authenticator.renew(after: session) {
          isSecondTry = true
          continue
        }
        guard 200..<300 ~= response.status else { throw try await refusal(response, of: call) }
        return try await read(response)
      } catch let error as TransportError {
        if error.code == .timedOut { abandon(transport) }
        throw APIError(error, request: call.description)
      } catch let error as ConfigurationError {
        throw APIError(
          code: .notAuthenticated, message: error.description, request: call.description, mayHaveTakenEffect: false)
      } catch var error as APIError {
        if error.request.isEmpty { error.request = call.description }
        throw error
      }
    }
  }

  /// Uses no connection any more of those that a request got no answer on. A peer that is gone without a word is noticed
  /// only after a while, and all requests that share the connection would wait for it.
  private func abandon(_ suspect: HTTPTransport) {
    connections.transport.withLock { transport in
      if transport === suspect { transport = HTTPTransport() }
    }
  }

  /// The request as it may be sent right now.
  private func fenced(_ request: OutgoingRequest) throws -> OutgoingRequest {
    guard let fence, request.method != "GET" else { return request }
    guard let end = fence() else { throw CancellationError() }
    let left = ContinuousClock.now.duration(to: end)
    // Too little to get an answer in.
    guard left > .milliseconds(10) else { throw CancellationError() }
    var request = request
    request.timeout = min(request.timeout ?? left, left)
    return request
  }

  private func request(_ call: APICall, _ session: Authenticator.Session) -> OutgoingRequest {
    let isStreamed = call.delivery == .streamed
    var request = OutgoingRequest(
      method: call.method, url: configuration.server + call.target, headers: session.headers, body: call.body,
      delivery: call.delivery, timeout: isStreamed ? nil : call.timeout ?? timeout,
      idleTimeout: isStreamed ? call.idleTimeout ?? timeout : nil, isRepeatable: call.isRepeatable)
    request.headers.append(.init("Accept", "application/json"))
    request.headers.append(.init("User-Agent", fieldManager))
    if call.body != nil { request.headers.append(.init("Content-Type", call.contentType)) }
    request.security = session.security
    request.proxy = configuration.proxy
    return request
  }

  /// The error that an answer without success means.
  private func refusal(_ response: IncomingResponse, of call: APICall) async throws -> APIError {
    let body = try await response.body.collect(upTo: 1 << 20)
    var status = (try? JSONDecoder().decode(APIStatus.self, from: Data(body))) ?? APIStatus()
    status.code = response.status
    let text = String(decoding: body.prefix(200), as: UTF8.self).trimmingSpace
    let message = status.message ?? (text.isEmpty ? "no reason given" : text)
    let seconds = response.head["Retry-After"].flatMap { Int($0) } ?? status.details?.retryAfterSeconds
    return APIError(
      code: .refused,
      message: "HTTP \(response.status)\(status.reason.map { " \($0)" } ?? ""): \(message)",
      request: call.description,
      status: status,
      retryAfter: seconds.flatMap { $0 >= 0 ? .seconds($0) : nil }
    )
  }
}

// MARK: - Paths

extension APIClient {
  /// The path of a resource's objects, of one of them, or of a subresource of it.
  func path(
    _ resource: APIResource, in namespace: String?, name: String? = nil, subresource: String? = nil
  ) throws(APIError) -> String {
    var segments = resource.group.isEmpty ? ["api"] : ["apis", resource.group]
    segments.append(resource.version)
    if let namespace {
      guard resource.isNamespaced else { throw invalid("\(resource) belong to no namespace, found \(namespace)") }
      segments += ["namespaces", namespace]
    } else if resource.isNamespaced, name != nil {
      throw invalid("\(resource) belong to namespaces, found none")
    }
    segments.append(resource.plural)
    if let name { segments.append(name) }
    if let subresource { segments.append(subresource) }
    guard !segments.contains(""), !segments.contains("."), !segments.contains("..") else {
      throw invalid("found an empty name, expected one of \(resource)")
    }
    return "/" + segments.map(percentEncoded).joined(separator: "/")
  }

  private func invalid(_ message: String) -> APIError {
    APIError(code: .invalidRequest, message: message, mayHaveTakenEffect: false)
  }
}

/// Text as it may stand in a path's segment or a query's value (RFC 3986).
func percentEncoded(_ text: String) -> String {
  let digits = Array("0123456789ABCDEF")
  var encoded = ""
  for byte in text.utf8 {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
      UInt8(ascii: "~"):
      encoded.unicodeScalars.append(Unicode.Scalar(byte))
    default:
      encoded.append("%")
      encoded.append(digits[Int(byte >> 4)])
      encoded.append(digits[Int(byte & 15)])
    }
  }
  return encoded
}
