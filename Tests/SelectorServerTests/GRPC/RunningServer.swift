import Connections
import Daemon
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Logging
import Selection
import SelectorProtocol
import ServiceLifecycle
import SwiftProtobuf

@testable import SelectorServer

/// A selector that serves gRPC on a port of its own.
struct RunningServer: Sendable {
  let dispatcher: Dispatcher
  let port: Int
  let group: ServiceGroup

  typealias Client = GRPCClient<HTTP2ClientTransport.Posix>

  /// Runs a server with service `shop/cart` of one replica for as long as the work takes, then shuts it down and sees
  /// that it ends.
  static func run<Answer: Sendable>(
    _ change: (inout SelectorGRPCServer.Configuration) -> Void = { _ in }, name: String = "one",
    health: [any HealthSource] = [], tokens: (any TokenReviewing)? = nil,
    _ work: @escaping @Sendable (RunningServer) async throws -> Answer
  ) async throws -> Answer {
    let dispatcher = Dispatcher(DispatcherOptions(policy: .leastRequest))
    dispatcher.set([ServiceReplica(address: "10.0.0.1:80")], of: "shop/cart", from: .file, at: .now)
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    var configuration = SelectorGRPCServer.Configuration(.host("127.0.0.1", port: 0))
    configuration.access = .open
    change(&configuration)
    let (ports, port) = AsyncStream<Int>.makeStream()
    let server = SelectorGRPCServer(
      configuration, SelectorMessages(dispatcher), name: name, tokens: tokens, health: health, logger: logger,
      onListening: { port.yield($0 ?? 0) })
    let group = ServiceGroup(services: [server], logger: logger)
    return try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask {
        defer { port.finish() }
        try await group.run()
      }
      guard let number = await ports.first(where: { _ in true }) else {
        try await tasks.waitForAll()
        throw CancellationError()
      }
      let answer = try await work(RunningServer(dispatcher: dispatcher, port: number, group: group))
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

  /// Requests in flight at service `shop/cart`.
  var inFlight: Int {
    dispatcher.service("shop/cart")?.status(at: .now).replicas.reduce(0) { $0 + $1.view.inFlight } ?? -1
  }
}

/// Waits until something holds; answers whether it did within a time.
func eventually(within limit: Duration = .seconds(20), _ condition: () async throws -> Bool) async rethrows -> Bool {
  let end = ContinuousClock.now + limit
  while ContinuousClock.now < end {
    if try await condition() { return true }
    try? await Task.sleep(for: .milliseconds(5))
  }
  return try await condition()
}
