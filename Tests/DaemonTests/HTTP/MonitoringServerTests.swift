import CoreMetrics
import Daemon
import Foundation
import Logging
import NIOCore
import NIOPosix
import Synchronization
import Testing

@Suite("A monitoring server", .timeLimit(.minutes(2)))
struct MonitoringServerTests {
  private final class Lock: Sendable {
    let isClosed = Mutex(true)
  }

  /// Serves routes while `body` is told the port.
  private func serving(
    _ change: (inout HealthRoutes) -> Void = { _ in }, _ body: @escaping @Sendable (Int) async throws -> Void
  ) async throws {
    var routes = HealthRoutes(MetricsRegistry(), [], stalenessLabel: "staleness_seconds")
    change(&routes)
    let (ports, port) = AsyncStream.makeStream(of: Int.self)
    let server = MonitoringServer(
      host: "127.0.0.1", port: 0, routes: routes, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
      onListening: { port.yield($0) })
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await server.run() }
      let found = try #require(await ports.first { _ in true })
      try await body(found)
      group.cancelAll()
    }
  }

  /// What a server says to some text, until it closes the connection.
  private func say(_ text: String, to port: Int) async throws -> String {
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .connect(host: "127.0.0.1", port: port) { channel in
        channel.eventLoop.makeCompletedFuture {
          try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
        }
      }
    return try await channel.executeThenClose { inbound, outbound in
      try await outbound.write(ByteBuffer(string: text))
      var all = ByteBuffer()
      for try await var part in inbound { all.writeBuffer(&part) }
      return String(buffer: all)
    }
  }

  private func get(_ path: String, _ port: Int) async throws -> String {
    try await say("GET \(path) HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", to: port)
  }

  @Test("answers for the daemon's health, and for nothing else")
  func answers() async throws {
    try await serving { routes in
      routes.show("page", type: "application/json") { "{}" }
    } _: { port in
      #expect(try await get("/livez", port).hasPrefix("HTTP/1.1 200 OK\r\n"))
      #expect(try await get("/readyz?verbose", port).hasSuffix("ready\n"))
      #expect(try await get("/metrics", port).contains("content-type: text/plain; version=0.0.4"))
      #expect(try await get("/page", port).contains("application/json"))
      #expect(try await get("/nothing", port).hasPrefix("HTTP/1.1 404"))
      let posted = try await say("POST /livez HTTP/1.1\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi", to: port)
      #expect(posted.hasPrefix("HTTP/1.1 405"))
      #expect(try await say("nonsense\r\n\r\n", to: port).hasPrefix("HTTP/1.1 400"))
    }
  }

  @Test("liveness is answered while something else takes long")
  func beside() async throws {
    let lock = Lock()
    try await serving { routes in
      routes.show("slow", type: "text/plain") {
        while lock.isClosed.withLock({ $0 }) { usleep(1000) }
        return "at last\n"
      }
    } _: { port in
      async let slow = get("/slow", port)
      for _ in 0..<10 { #expect(try await get("/livez", port).hasSuffix("ok\n")) }
      lock.isClosed.withLock { $0 = false }
      let answer = try await slow
      #expect(answer.hasSuffix("at last\n"))
    }
  }

  @Test("a request that does not come in loses its connection")
  func halfSent() async throws {
    try await serving({ _ in }) { port in
      // Returns once the server closes.
      let head = try await say("GET /livez HTTP/1.1\r\nHos", to: port)
      #expect(head == "")
      let body = try await say("POST /livez HTTP/1.1\r\nContent-Length: 100000\r\n\r\nx", to: port)
      #expect(body == "")
    }
  }
}
