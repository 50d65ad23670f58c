import Synchronization

/// One exchange of a request and its response: what the curl thread and the reader of the response share.
final class Transfer: Sendable {
  /// How many bytes of a body may wait for its reader before the server is held up.
  static let capacity = 1 << 20

  private typealias Buffer = ResponseBuffer<
    IncomingResponse.Head,
    CheckedContinuation<IncomingResponse.Head, any Error>,
    CheckedContinuation<[UInt8]?, any Error>
  >

  private struct State {
    var buffer = Buffer(capacity: Transfer.capacity)
    var head = HeadParser()
    /// When the server was last heard, or was let speak again.
    var lastHeard = ContinuousClock.now
    /// How much of the request's body has been sent.
    var bytesSent = 0
    /// What was wrong with the response, where it is not curl that says so.
    var fault: TransportError?
  }

  let request: OutgoingRequest
  private let loop: CurlLoop
  private let state = Mutex(State())

  init(_ request: OutgoingRequest, on loop: CurlLoop) {
    self.request = request
    self.loop = loop
  }
}

// MARK: - The reader

extension Transfer {
  /// Waits for the head of the response. A cancelled task gives the exchange up.
  func head() async throws -> IncomingResponse.Head {
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let result = state.withLock { $0.buffer.takeHead(orWait: continuation) }
        if let result { continuation.resume(with: result) }
      }
    } onCancel: {
      cancel()
    }
  }

  /// Waits for more of the body; nil at its end. A cancelled task gives the exchange up.
  func nextChunk() async throws -> [UInt8]? {
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let (chunk, resumes) = state.withLock { state in
          let taken = state.buffer.takeChunk(orWait: continuation)
          if taken.resumes { state.lastHeard = .now }
          return taken
        }
        if resumes { loop.submit(.resume(self)) }
        switch chunk {
        case .bytes(let bytes): continuation.resume(returning: bytes)
        case .end: continuation.resume(returning: nil)
        case .failure(let error): continuation.resume(throwing: error)
        case .wait: break
        }
      }
    } onCancel: {
      cancel()
    }
  }

  /// Gives the exchange up; nothing happens where it has ended already.
  func cancel() {
    if finish(.failure(CancellationError())) { loop.submit(.cancel(self)) }
  }

  /// Ends the response for its reader; false where it had ended already.
  @discardableResult
  func finish(_ result: Result<Void, any Error>) -> Bool {
    let (isFirst, waiters) = state.withLock { ($0.buffer.isOpen, $0.buffer.finish(result)) }
    if let head = waiters.head {
      // Without an error there was no head: that is one.
      let error = TransportError(code: .invalidResponse, message: "found no HTTP response", mayHaveReachedServer: true)
      head.resume(with: result.flatMap { .failure(error) })
    }
    waiters.chunk?.resume(with: result.map { nil })
    return isFirst
  }
}

// MARK: - The curl thread

extension Transfer {
  /// What was wrong with the response, where it was found out here.
  var fault: TransportError? { state.withLock { $0.fault } }

  /// When the server will have been silent for too long; nil where it may be, or has to.
  var silenceDeadline: ContinuousClock.Instant? {
    guard let idleTimeout = request.idleTimeout else { return nil }
    return state.withLock { $0.buffer.isPaused ? nil : $0.lastHeard + idleTimeout }
  }

  /// Takes a line of the head; false ends the exchange.
  func receive(headLine: [UInt8]) -> Bool {
    let resumption = state.withLock { state in
      state.lastHeard = .now
      return Result { () throws(TransportError) in
        try state.head.feed(headLine).flatMap { head in state.buffer.receive(head: head).map { ($0, head) } }
      }
    }
    switch resumption {
    case .success(let waiting):
      if let (waiter, head) = waiting { waiter.resume(returning: head) }
      return true
    case .failure(let fault):
      state.withLock { $0.fault = fault }
      return false
    }
  }

  /// Takes bytes of the body; false pauses the exchange.
  func receive(body: [UInt8]) -> Bool {
    guard !body.isEmpty else { return true }
    let acceptance = state.withLock { state in
      state.lastHeard = .now
      return state.buffer.receive(body)
    }
    switch acceptance {
    case .kept: return true
    case .refused: return false
    case .handed(let waiter):
      waiter.resume(returning: body)
      return true
    }
  }

  /// Fills in the next bytes of the request's body; answers how many.
  func send(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    guard let body = request.body else { return 0 }
    let room = buffer.count
    let range = state.withLock { state in
      let start = state.bytesSent
      state.bytesSent = min(start + room, body.count)
      return start..<state.bytesSent
    }
    buffer.copyBytes(from: body[range])
    return range.count
  }

  /// Starts the request's body again, for a second try on another connection; false where the request must not reach
  /// the server twice.
  func rewind(to offset: Int) -> Bool {
    guard let body = request.body, 0...body.count ~= offset else { return false }
    return state.withLock { state in
      guard request.isRepeatable || state.bytesSent == 0 else { return false }
      state.bytesSent = offset
      return true
    }
  }
}
