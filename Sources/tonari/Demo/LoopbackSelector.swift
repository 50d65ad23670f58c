import Foundation
import Logging
import Selection
import SelectorServer
import ServiceLifecycle
import TonariClient

/// A selector on a Unix socket of its own.
struct LoopbackSelector {
  private let dispatcher: Dispatcher

  init(_ dispatcher: Dispatcher) {
    self.dispatcher = dispatcher
  }

  /// Serves for as long as `body` takes, which gets the address.
  func run(_ body: @escaping @Sendable (SelectorAddress) async throws -> Void) async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "tonari-demo-\(UUID().uuidString.prefix(8))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appending(path: "selector.sock").path
    let (listening, isListening) = AsyncStream.makeStream(of: Void.self)
    let server = try FramedServer(dispatcher, addresses: [.unix(path)], logger: Self.logger) { _ in
      isListening.yield()
      isListening.finish()
    }
    try await server.whileRunning {
      for await _ in listening { break }
      try await body(.unix(path: path))
    }
  }

  /// A client of a selector that waits long rather than picking by itself; it asks from a node where one is named.
  static func client(of address: SelectorAddress, node: String = "") -> SelectorClient {
    var configuration = SelectorClient.Configuration(addresses: [address])
    configuration.node = node
    configuration.timeout = .seconds(10)
    return SelectorClient(configuration, logger: logger)
  }

  private static var logger: Logger {
    var logger = Logger(label: "tonari.demo") { StreamLogHandler.standardError(label: $0) }
    logger.logLevel = .warning
    return logger
  }
}

extension ServiceLifecycle.Service {
  /// Runs the service for as long as `body` takes, and throws what either throws.
  func whileRunning<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) async throws -> Value {
    try await withThrowingTaskGroup(of: Value?.self) { group in
      group.addTask {
        try await run()
        return nil
      }
      group.addTask { try await body() }
      while let value = try await group.next() {
        guard let value else { continue }
        group.cancelAll()
        return value
      }
      throw CancellationError()
    }
  }
}
