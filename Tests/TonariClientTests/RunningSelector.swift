import Logging
import Selection
import SelectorServer

/// A real selector on a Unix socket.
struct RunningSelector: Sendable {
  /// What decides.
  let dispatcher: Dispatcher
  private let task: Task<Void, any Error>

  /// Begins with the replicas of its dispatcher, and listens.
  init(path: String, _ dispatcher: Dispatcher = Dispatcher(DispatcherOptions(policy: .leastRequest))) async throws {
    self.dispatcher = dispatcher
    let (listening, listens) = AsyncStream<Void>.makeStream()
    let server = try FramedServer(
      dispatcher, addresses: [.unix(path)], options: FramedOptions(threads: 1),
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, onListening: { _ in listens.finish() })
    task = Task {
      defer { listens.finish() }
      try await server.run()
    }
    for await _ in listening {}
  }

  /// Ends as a selector does that is shut down.
  func end() async throws {
    task.cancel()
    try await task.value
  }
}
