/// Sends HTTP requests with libcurl: one thread for all of them, connections that are kept and reused, HTTP/2 where
/// the server offers it.
///
/// No caller's thread is ever blocked. A cancelled task gives its exchange up at once. Redirections are not followed.
/// When the last reference goes, so does the thread.
public final class HTTPTransport: Sendable {
  private let loop = CurlLoop()

  /// Makes a transport with connections of its own.
  public init() {}

  deinit { loop.close() }

  /// Sends a request and answers when the head of the response is there, whatever its status.
  ///
  /// Throws ``TransportError`` where there is no response, and `CancellationError` in a cancelled task.
  public func send(_ request: OutgoingRequest) async throws -> IncomingResponse {
    try Task.checkCancellation()
    let transfer = Transfer(request, on: loop)
    loop.submit(.start(transfer))
    let head = try await transfer.head()
    return IncomingResponse(head: head, body: IncomingBody(transfer, on: self))
  }
}
