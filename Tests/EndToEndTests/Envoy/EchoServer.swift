import HTTPTypes
import Hummingbird
import Logging
import NIOCore

/// A server that answers each request with its body, or one without with how often it was sent from one cluster to another.
enum EchoServer {
  /// Runs it for as long as `body` takes, which gets its port.
  static func run(_ body: @escaping @Sendable (Int) async throws -> Void) async throws {
    var logger = Logger(label: "echo")
    logger.logLevel = .critical
    let router = Router()
    router.post("/") { request, _ in
      let body = try await request.body.collect(upTo: 1 << 20)
      return Response(status: .ok, body: ResponseBody(byteBuffer: body))
    }
    router.get("/") { request, _ in
      let name = HTTPField.Name("x-tonari-hops")
      return "hops \(name.flatMap { request.headers[$0] } ?? "none")"
    }
    let (ports, port) = AsyncStream.makeStream(of: Int.self)
    let server = Application(
      router: router, configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
      onServerRunning: { port.yield($0.localAddress?.port ?? 0) }, logger: logger)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await server.run() }
      for await number in ports {
        try await body(number)
        break
      }
      group.cancelAll()
    }
  }
}
