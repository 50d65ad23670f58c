import Daemon
import GRPCCore
import Selection
import SelectorProtocol
import SwiftProtobuf
import Testing

@testable import SelectorServer

struct ReplicaSelectorServiceTests {
  /// A stream that has ended, or whose client goes away while an answer is written.
  private struct BrokenWriter: RPCWriterProtocol {
    let context: ServerContext
    let isClosed: Bool

    func write(_ element: Tonari_Selector_V1_PickResponse) async throws {
      if isClosed { throw RPCError(code: .unavailable, message: "closed") }
      context.cancellation.cancel()
    }

    func write(contentsOf elements: some Sequence<Tonari_Selector_V1_PickResponse>) async throws {
      for element in elements { try await write(element) }
    }
  }

  private let dispatcher = Dispatcher()
  private var openPicks: Int? { dispatcher.service("a")?.status(at: .now).openPicks }

  init() {
    dispatcher.set([ServiceReplica(address: "10.0.0.1:80")], of: "a", from: .file, at: .now)
  }

  private func pick(_ prepare: @escaping @Sendable (ServerContext) -> Void, isClosed: Bool) async throws {
    let service = ReplicaSelectorService(
      messages: SelectorMessages(dispatcher), board: WatchBoard(dispatcher), name: "one", now: { .now })
    let request = ServerRequest(
      metadata: [:], message: Tonari_Selector_V1_PickRequest.with { $0.service = "a" })
    try await withServerContextRPCCancellationHandle { handle in
      let context = ServerContext(
        descriptor: Tonari_Selector_V1_ReplicaSelector.Method.Pick.descriptor, remotePeer: "in-process:1",
        localPeer: "in-process:2", cancellation: handle)
      prepare(context)
      let response = try await CallerInterceptor(.open, tokens: nil, capabilities: [:]).intercept(
        request: StreamingServerRequest(single: request), context: context
      ) { try await service.pick(request: $0, context: $1) }
      let contents = try response.accepted.get()
      _ = try await contents.producer(RPCWriter(wrapping: BrokenWriter(context: context, isClosed: isClosed)))
    }
  }

  @Test("A pick whose client goes away before it has its answer is not open", arguments: [true, false])
  func abandoned(isClosed: Bool) async throws {
    await #expect(throws: RPCError.self) { try await pick({ _ in }, isClosed: isClosed) }
    #expect(openPicks == 0)
    #expect(dispatcher.service("a")?.status(at: .now).counts.cancelled == 1)
  }

  @Test("Nothing is picked for a client that is gone already, or whose deadline is over")
  func gone() async throws {
    let error = await #expect(throws: RPCError.self) { try await pick({ $0.cancellation.cancel() }, isClosed: false) }
    #expect(error?.code == .deadlineExceeded)
    #expect(dispatcher.service("a")?.status(at: .now).counts.total == 0)
  }

  @Test("A refusal that knows when there is room again says so in the trailers, and no other does")
  func retryPushback() {
    let full = RPCError(SelectorFault(.resourceExhausted, "full", retryAfterMilliseconds: 2000))
    #expect(full.code == .resourceExhausted)
    #expect(Array(full.metadata[stringValues: "grpc-retry-pushback-ms"]) == ["2000"])
    #expect(RPCError(SelectorFault(.unavailable, "none")).metadata.isEmpty)
  }
}
