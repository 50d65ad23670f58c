/// Sends HTTP requests with libcurl: connections that are kept and reused, HTTP/2 where the server offers it, one thread
/// for exchanges that are read at once and one for streams.
///
/// No caller's thread is ever blocked. A cancelled task gives its exchange up at once. Redirections are not followed.
/// When the last reference goes, so do the threads.
package final class HTTPTransport: Sendable {
  private let prompt = CurlLoop()
  /// Streams have connections of their own, which speak HTTP/1.1. Where both kinds are in one pool, libcurl 7.88 takes
  /// a stream's connection for one that can be shared, and requests wait on it for an answer that never comes.
  private let streaming = CurlLoop()

  /// Makes a transport with connections of its own.
  package init() {}

  deinit {
    prompt.close()
    streaming.close()
  }

  /// Sends a request and answers when the head of the response is there, whatever its status.
  ///
  /// Throws ``TransportError`` where there is no response, and `CancellationError` in a cancelled task.
  package func send(_ request: OutgoingRequest) async throws -> IncomingResponse {
    try Task.checkCancellation()
    let loop =
      switch request.delivery {
      case .prompt: prompt
      case .streamed: streaming
      }
    let transfer = Transfer(request, on: loop)
    loop.submit(.start(transfer))
    let head = try await transfer.head()
    return IncomingResponse(head: head, body: IncomingBody(transfer, on: self))
  }
}
