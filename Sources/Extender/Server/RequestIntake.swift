import HTTPTypes
import HummingbirdCore
import NIOCore
import Synchronization

/// Takes in the bodies of requests, so many bytes at a time and no more.
final class RequestIntake: Sendable {
  private let largest: Int
  private let memory: Int
  private let timeout: Duration
  private let held = Mutex(0)

  /// - Parameters:
  ///   - largest: how many bytes a body may have.
  ///   - memory: how many bytes all bodies may have that are held at a time.
  ///   - timeout: how long a body may take to come in, as long as it does come.
  init(largest: Int, memory: Int, timeout: Duration) {
    self.largest = largest
    self.memory = memory
    self.timeout = timeout
  }

  /// Reads a request's body and hands it to `work`; the bytes are held until that is done.
  ///
  /// Throws what `work` throws, and ``ProtocolError`` where the body is too large, there is no memory for it now, or it
  /// does not come in whole and in time.
  func take<Value: Sendable>(
    _ request: Request, _ work: (ByteBuffer) async throws(ProtocolError) -> Value
  ) async throws(ProtocolError) -> (Value, bytes: Int) {
    let announced = request.headers[.contentLength].flatMap { Int($0) } ?? 0
    try check(announced)
    let holding = Holding(self)
    defer { holding.release() }
    let body = try await read(request.body, announced, holding)
    return (try await work(body), body.readableBytes)
  }

  private func read(
    _ body: RequestBody, _ announced: Int, _ holding: Holding
  ) async throws(ProtocolError) -> ByteBuffer {
    // A sender that is silent loses its connection, as any that is idle: no clock has to run for each request.
    let deadline = ContinuousClock.now + timeout
    do {
      var all = ByteBuffer()
      // Memory is taken by what is written, not by what was announced.
      all.reserveCapacity(announced)
      for try await chunk in body {
        guard .now < deadline else {
          throw ProtocolError(code: .malformed, message: "the request did not come in within \(timeout)")
        }
        try holding.grow(to: all.readableBytes + chunk.readableBytes)
        all.writeImmutableBuffer(chunk)
      }
      return all
    } catch let error as ProtocolError {
      throw error
    } catch {
      throw ProtocolError(code: .malformed, message: "the request did not come in whole: \(error)")
    }
  }

  private func check(_ size: Int) throws(ProtocolError) {
    guard size > largest else { return }
    throw ProtocolError(
      code: .tooLarge,
      message: "found a request of \(size) bytes or more, expected at most \(largest): "
        + "with 'nodeCacheCapable: true' the scheduler sends names instead of whole nodes")
  }

  /// The part of the memory that one request holds.
  private final class Holding: Sendable {
    private let intake: RequestIntake
    private let count = Mutex(0)

    init(_ intake: RequestIntake) {
      self.intake = intake
    }

    func grow(to size: Int) throws(ProtocolError) {
      try intake.check(size)
      let isHeld = count.withLock { count in
        guard size > count else { return true }
        let more = size - count
        let isFree = intake.held.withLock { held in
          guard held + more <= intake.memory else { return false }
          held += more
          return true
        }
        if isFree { count = size }
        return isFree
      }
      guard isHeld else {
        throw ProtocolError(
          code: .busy, message: "other requests hold the \(intake.memory) bytes that there are for requests")
      }
    }

    func release() {
      count.withLock { count in
        intake.held.withLock { $0 -= count }
        count = 0
      }
    }
  }
}
