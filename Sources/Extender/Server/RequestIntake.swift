import Daemon
import HTTPTypes
import HummingbirdCore
import NIOCore

/// Takes in the bodies of requests, so many bytes at a time and no more.
final class RequestIntake: Sendable {
  private let largest: Int
  /// Bytes that are held.
  let memory: Budget

  /// - Parameters:
  ///   - largest: how many bytes a body may have.
  ///   - memory: how many bytes all requests may hold at a time, and those of each peer.
  init(largest: Int, memory: Budget) {
    self.largest = largest
    self.memory = memory
  }

  /// Reads a request's body, and answers it with the memory that it holds.
  ///
  /// Throws ``ProtocolError`` where the body is too large, there is no memory for it now, or it does not come in whole: that
  /// it does so in time is seen to where bytes come in.
  func read(
    _ request: Request, of peer: Peer
  ) async throws(ProtocolError) -> (body: ByteBuffer, memory: RequestMemory) {
    let announced = max(0, request.headers[.contentLength].flatMap { Int($0) } ?? 0)
    try check(announced)
    let memory = RequestMemory(memory, of: peer)
    do {
      var all = ByteBuffer()
      // Memory is taken by what is written, not by what was announced.
      all.reserveCapacity(announced)
      for try await chunk in request.body {
        try check(all.readableBytes + chunk.readableBytes)
        try memory.hold(chunk.readableBytes)
        all.writeImmutableBuffer(chunk)
      }
      return (all, memory)
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
}
