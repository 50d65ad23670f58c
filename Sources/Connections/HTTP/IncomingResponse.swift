/// The response to a request: its head, and its body as it comes in.
package struct IncomingResponse: Sendable {
  /// What a response starts with.
  package struct Head: Hashable, Sendable {
    /// The status, such as 200.
    package var status: Int
    /// The header fields in the order they came.
    package var headers: [OutgoingRequest.Header] = []

    /// The value of the first field of a name, in any case.
    package subscript(name: String) -> String? {
      headers.first { $0.name.utf8.elementsEqual(name.utf8) || $0.name.lowercased() == name.lowercased() }?.value
    }
  }

  /// Status and header fields.
  package let head: Head
  /// The body.
  package let body: IncomingBody

  /// The status, such as 200.
  package var status: Int { head.status }
}

/// The body of a response as it comes in: chunks of bytes. It is read once, by one reader; the sender is held up while
/// the reader lags behind, and the exchange is given up when the body is dropped before its end.
package struct IncomingBody: AsyncSequence, Sendable {
  /// Chunks of bytes, none of them empty.
  package typealias Element = [UInt8]

  /// Gives the exchange up when nobody can read it any more.
  private final class Handle: Sendable {
    let transfer: Transfer
    /// Keeps the thread alive that the transfer is on.
    let transport: HTTPTransport

    init(_ transfer: Transfer, on transport: HTTPTransport) {
      self.transfer = transfer
      self.transport = transport
    }

    deinit { transfer.cancel() }
  }

  private let handle: Handle

  init(_ transfer: Transfer, on transport: HTTPTransport) {
    handle = Handle(transfer, on: transport)
  }

  /// Reads chunk after chunk.
  package struct AsyncIterator: AsyncIteratorProtocol {
    fileprivate let body: IncomingBody

    /// The next chunk; nil at the end of the body. Throws ``TransportError`` where the exchange fails before that, and
    /// `CancellationError` in a cancelled task.
    package mutating func next() async throws -> [UInt8]? {
      try await body.handle.transfer.nextChunk()
    }
  }

  /// Starts to read.
  package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(body: self) }

  /// Reads the whole body.
  ///
  /// - Parameter limit: The most bytes that it may have.
  ///
  /// Throws ``TransportError`` where the exchange fails or the body is longer.
  package func collect(upTo limit: Int) async throws -> [UInt8] {
    var bytes: [UInt8] = []
    for try await chunk in self {
      guard bytes.count + chunk.count <= limit else {
        throw TransportError(
          code: .invalidResponse, message: "found a body of more than \(limit) bytes", mayHaveReachedServer: true)
      }
      if bytes.isEmpty { bytes = chunk } else { bytes.append(contentsOf: chunk) }
    }
    return bytes
  }
}
