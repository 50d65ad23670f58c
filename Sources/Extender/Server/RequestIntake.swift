import HTTPTypes
import HummingbirdCore
import Monitoring
import NIOCore
import Synchronization

/// Takes in the bodies of requests, so many bytes at a time and no more.
final class RequestIntake: Sendable {
  private let largest: Int
  /// Bytes that are held.
  let memory: Budget

  /// - Parameters:
  ///   - largest: how many bytes a body may have.
  ///   - memory: how many bytes all bodies may have that are held at a time, and those of each peer.
  init(largest: Int, memory: Budget) {
    self.largest = largest
    self.memory = memory
  }

  /// Reads a request's body and hands it to `work`; the bytes are held until that is done.
  ///
  /// Throws what `work` throws, and ``ProtocolError`` where the body is too large, there is no memory for it now, or it
  /// does not come in whole: that it does so in time is seen to where bytes come in.
  func take<Value: Sendable>(
    _ request: Request, of peer: Peer, _ work: (ByteBuffer) async throws(ProtocolError) -> Value
  ) async throws(ProtocolError) -> (Value, bytes: Int) {
    let announced = max(0, request.headers[.contentLength].flatMap { Int($0) } ?? 0)
    try check(announced)
    let holding = Holding(self, peer)
    defer { holding.release() }
    let body = try await read(request.body, announced, holding)
    return (try await work(body), body.readableBytes)
  }

  private func read(
    _ body: RequestBody, _ announced: Int, _ holding: Holding
  ) async throws(ProtocolError) -> ByteBuffer {
    do {
      var all = ByteBuffer()
      // Memory is taken by what is written, not by what was announced.
      all.reserveCapacity(announced)
      for try await chunk in body {
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
    private let peer: Peer
    private let count = Mutex(0)

    init(_ intake: RequestIntake, _ peer: Peer) {
      self.intake = intake
      self.peer = peer
    }

    func grow(to size: Int) throws(ProtocolError) {
      try intake.check(size)
      let isHeld = count.withLock { count in
        guard size > count else { return true }
        guard intake.memory.take(size - count, for: peer) else { return false }
        count = size
        return true
      }
      guard isHeld else {
        throw ProtocolError(
          code: .busy, message: "other requests hold the \(intake.memory.total) bytes that there are for requests")
      }
    }

    func release() {
      count.withLock { count in
        if count > 0 { intake.memory.give(count, from: peer) }
        count = 0
      }
    }
  }
}
