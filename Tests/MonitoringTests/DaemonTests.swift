import Logging
import Monitoring
import ServiceLifecycle
import Testing

@Suite("A daemon")
struct DaemonTests {
  private struct NoSocket: Error {}

  private struct Failing: Service {
    func run() async throws { throw NoSocket() }
  }

  private struct Waiting: Service {
    func run() async throws { try await gracefulShutdown() }
  }

  private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  @Test("of which one part cannot start ends with its error, whatever the others wait for", .timeLimit(.minutes(1)))
  func failure() async {
    await #expect(throws: NoSocket.self) {
      try await Daemon(monitoring: nil, [Waiting(), Failing(), Waiting()], logger: logger).run()
    }
  }
}
