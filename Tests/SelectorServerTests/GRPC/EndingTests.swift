import SelectorProtocol
import ServiceLifecycle
import SwiftProtobuf
import Testing

@testable import SelectorServer

@Suite("The end of a gRPC server", .timeLimit(.minutes(2)))
struct EndingTests {
  private static let pick = "/tonari.selector.v1.ReplicaSelector/Pick"

  /// What is in the way of a request that comes when the server has said that it ends, and the client has not heard it.
  enum Before: CaseIterable {
    case nothing, requests
  }

  @Test(
    "answers what crosses its announcement, says which request was the last, and closes",
    arguments: Before.allCases)
  func crossing(_ before: Before) async throws {
    try await RunningServer.run { server in
      let peer = try HTTP2Peer(port: server.port)
      let question: Tonari_Selector_V1_PickRequest = .with { $0.service = "shop/cart" }
      let message: [UInt8] = try question.serializedBytes()
      var trace: [HTTP2Peer.Frame] = []
      func next() throws -> HTTP2Peer.Frame {
        guard let frame = try peer.next() else { throw Closed(after: trace) }
        trace.append(frame)
        return frame
      }
      var stream: UInt32 = 1
      func ask() throws {
        try peer.send(HTTP2Peer.request(Self.pick, message, stream: stream))
        stream += 2
      }
      while try next().kind != .settings {}
      if before == .requests {
        for _ in 0..<3 { try ask() }
        while try !(next().endsStream && trace.last?.stream == stream - 2) {}
      }
      await server.group.triggerGracefulShutdown()
      while try next().kind != .ping {}
      let ping = try #require(trace.last)
      // Here the client has not read yet what the server said.
      for _ in 0..<3 { try ask() }
      try peer.send(HTTP2Peer.bytes(.ping, flags: 1, ping.payload))
      var ended: Set<UInt32> = []
      while let frame = try peer.next() {
        trace.append(frame)
        if frame.endsStream { ended.insert(frame.stream) }
        if frame.kind == .ping, frame.flags & 1 == 0 { try peer.send(HTTP2Peer.bytes(.ping, flags: 1, frame.payload)) }
      }
      #expect(ended.isSuperset(of: [stream - 6, stream - 4, stream - 2]), "\(trace)")
      #expect(!trace.contains { $0.kind == .reset }, "\(trace)")
      #expect(trace.last { $0.kind == .goAway }?.lastStream == stream - 2, "\(trace)")
    }
  }

  @Test("does not wait for a client that says nothing")
  func silent() async throws {
    try await RunningServer.run({ $0.graceTime = .milliseconds(200) }) { server in
      let peer = try HTTP2Peer(port: server.port)
      while let frame = try peer.next(), frame.kind != .settings || frame.flags & 1 == 0 {}
      await server.group.triggerGracefulShutdown()
      // It is told, and then the connection is closed.
      while try peer.next() != nil {}
    }
  }

  private struct Closed: Error {
    var after: [HTTP2Peer.Frame]
  }
}
