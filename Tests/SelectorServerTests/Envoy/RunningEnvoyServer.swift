import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Logging
import Selection
import ServiceLifecycle

@testable import SelectorServer

/// A selector that serves Envoys on a port of its own.
struct RunningEnvoyServer: Sendable {
  let dispatcher: Dispatcher
  let port: Int
  let group: ServiceGroup

  typealias Client = GRPCClient<HTTP2ClientTransport.Posix>

  /// Runs a server with some services for as long as the work takes, then shuts it down and sees that it ends.
  static func run<Answer: Sendable>(
    _ dispatcher: Dispatcher = Dispatcher(DispatcherOptions(policy: .leastRequest)),
    services: @Sendable (Dispatcher) -> [any RegistrableRPCService],
    _ work: @escaping @Sendable (RunningEnvoyServer) async throws -> Answer
  ) async throws -> Answer {
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let (ports, port) = AsyncStream<Int>.makeStream()
    let methods = services(dispatcher)
    var configuration = SelectorGRPCServer.Configuration(.host("127.0.0.1", port: 0))
    configuration.access = .open
    let server = SelectorGRPCServer(
      configuration, SelectorMessages(dispatcher), name: "one",
      services: methods, logger: logger, onListening: { port.yield($0 ?? 0) })
    let running: [any Service] = [server] + methods.compactMap { $0 as? any Service }
    let group = ServiceGroup(services: running, logger: logger)
    return try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask {
        defer { port.finish() }
        try await group.run()
      }
      guard let number = await ports.first(where: { _ in true }) else {
        try await tasks.waitForAll()
        throw CancellationError()
      }
      let answer = try await work(RunningEnvoyServer(dispatcher: dispatcher, port: number, group: group))
      await group.triggerGracefulShutdown()
      try await tasks.waitForAll()
      return answer
    }
  }

  /// Lets some work ask it.
  func ask<Answer: Sendable>(
    _ work: @escaping @Sendable (Client) async throws -> Answer
  ) async throws -> Answer {
    try await withGRPCClient(
      transport: .http2NIOPosix(target: .ipv4(address: "127.0.0.1", port: port), transportSecurity: .plaintext)
    ) { try await work($0) }
  }
}
