/// What has come in of one response and has not been taken yet, and who waits for it. It has no I/O: the curl thread
/// puts in, the reader takes out, and each is told what to do next.
///
/// `Head` is what a response starts with, `HeadWaiter` and `ChunkWaiter` are whatever resumes those who wait.
struct ResponseBuffer<Head, HeadWaiter, ChunkWaiter> {
  /// What a reader gets when it asks for more.
  enum Chunk {
    case bytes([UInt8])
    case end
    case failure(any Error)
    /// Nothing yet; the waiter is kept and will be woken.
    case wait
  }

  /// The bytes that may lie here before the sender is held up.
  let capacity: Int

  private var pendingHead: Head?
  private var bytes: [UInt8] = []
  /// How it ended; nil while it goes on.
  private var outcome: Result<Void, any Error>?
  private var headWaiter: HeadWaiter?
  private var chunkWaiter: ChunkWaiter?
  /// Whether the sender was told to pause.
  private(set) var isPaused = false

  /// Whether the response has not ended yet.
  var isOpen: Bool { outcome == nil }

  init(capacity: Int) {
    self.capacity = capacity
  }

  // MARK: - The sender

  /// The head has come. Answers who is to have it.
  mutating func receive(head: Head) -> HeadWaiter? {
    defer { headWaiter = nil }
    if headWaiter == nil { pendingHead = head }
    return headWaiter
  }

  /// What becomes of bytes that have come.
  enum Acceptance {
    /// They are kept.
    case kept
    /// They go to one who waits.
    case handed(ChunkWaiter)
    /// They are not taken: the sender must pause and bring them again.
    case refused
  }

  /// Bytes have come.
  mutating func receive(_ new: [UInt8]) -> Acceptance {
    if let waiter = chunkWaiter {
      chunkWaiter = nil
      return .handed(waiter)
    }
    guard bytes.isEmpty || bytes.count + new.count <= capacity else {
      isPaused = true
      return .refused
    }
    if bytes.isEmpty { bytes = new } else { bytes.append(contentsOf: new) }
    return .kept
  }

  /// The response has ended. Answers who is to be told. Only the first end counts.
  mutating func finish(_ result: Result<Void, any Error>) -> (head: HeadWaiter?, chunk: ChunkWaiter?) {
    guard outcome == nil else { return (nil, nil) }
    outcome = result
    defer {
      headWaiter = nil
      chunkWaiter = nil
    }
    return (headWaiter, chunkWaiter)
  }

  // MARK: - The reader

  /// Takes the head, or waits for it (nil).
  mutating func takeHead(orWait waiter: HeadWaiter) -> Result<Head, any Error>? {
    if let head = pendingHead {
      pendingHead = nil
      return .success(head)
    }
    switch outcome {
    case .failure(let error): return .failure(error)
    case .success:
      return .failure(
        TransportError(code: .invalidResponse, message: "found no HTTP response", mayHaveReachedServer: true))
    case nil:
      headWaiter = waiter
      return nil
    }
  }

  /// Takes what is there, or waits. `resumes` says that the sender pauses and is to go on.
  mutating func takeChunk(orWait waiter: ChunkWaiter) -> (chunk: Chunk, resumes: Bool) {
    if !bytes.isEmpty {
      let chunk = bytes
      bytes = []
      defer { isPaused = false }
      return (.bytes(chunk), isPaused)
    }
    switch outcome {
    case .success: return (.end, false)
    case .failure(let error): return (.failure(error), false)
    case nil:
      chunkWaiter = waiter
      return (.wait, false)
    }
  }
}
