import Connections

extension APIClient {
  /// Watches the objects of a resource: tells each change after a version.
  ///
  /// This is one request, which the API server ends after a while: then the sequence ends, and the next watch starts
  /// where it has come to. ``Reflector`` does all of that.
  ///
  /// - Parameters:
  ///   - resource: The resource.
  ///   - selection: Which of its objects.
  ///   - resourceVersion: The version of a list, or the last one that a watch has told.
  ///   - duration: How long the API server is asked to keep the watch up.
  ///   - idleTimeout: How long the connection may be silent. API servers send a bookmark each minute.
  ///
  /// Throws ``APIError``, ``APIError/isExpired`` where the version is too old: then the objects have to be listed again.
  /// The request is not tried again.
  package func watch(
    _ resource: APIResource, _ selection: ObjectSelection = ObjectSelection(), from resourceVersion: String,
    for duration: Duration = .seconds(Int64.random(in: 300...600)), idleTimeout: Duration = .seconds(150)
  ) async throws -> WatchEvents {
    var call = APICall(method: "GET", path: try path(resource, in: selection.namespace))
    call.query =
      selection.query + [
        ("watch", "true"), ("resourceVersion", resourceVersion), ("allowWatchBookmarks", "true"),
        ("timeoutSeconds", "\(max(1, duration.components.seconds))"),
      ]
    call.delivery = .streamed
    call.idleTimeout = idleTimeout
    call.retries = .never
    let request = call.description
    return try await exchange(call) { WatchEvents(body: $0.body, request: request) }
  }
}

/// The events of one watch, in order, for one reader. The watch ends when it is dropped.
package struct WatchEvents: AsyncSequence, Sendable {
  /// What the watch tells.
  package typealias Element = WatchEvent

  let body: IncomingBody
  let request: String

  /// Reads event after event.
  package struct AsyncIterator: AsyncIteratorProtocol {
    private var body: IncomingBody.AsyncIterator
    private let request: String
    private var splitter = LineSplitter(limit: APIClient.objectLimit)
    /// Lines that have not been read yet, the next one last.
    private var lines: [[UInt8]] = []

    init(_ events: WatchEvents) {
      body = events.body.makeAsyncIterator()
      request = events.request
    }

    /// The next event; nil when the server has ended the watch in good order. Throws ``APIError`` where it has not, or
    /// tells an error, and `CancellationError` in a cancelled task.
    package mutating func next() async throws -> WatchEvent? {
      do {
        while lines.isEmpty {
          guard let chunk = try await body.next() else {
            guard splitter.rest.isEmpty else {
              throw APIError(code: .unreachable, message: "the watch ended in the middle of a line")
            }
            return nil
          }
          lines = try splitter.feed(chunk).reversed()
        }
        return try WatchEvent(line: lines.removeLast())
      } catch let error as TransportError {
        throw APIError(error, request: request)
      } catch var error as APIError {
        error.request = request
        throw error
      }
    }
  }

  /// Starts to read.
  package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(self) }
}
