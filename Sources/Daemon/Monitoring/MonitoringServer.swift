package import Logging
import NIOCore
import NIOExtras
import NIOHTTP1
import NIOPosix
import ServiceLifecycle

/// Serves the health and the metrics of a daemon on a listener and a thread of their own, so that they are answered
/// whatever is asked of the daemon itself.
package struct MonitoringServer: Service {
  /// Nobody needs so many; who opens them is not to keep the others out.
  private static let mostConnections = 1024
  /// How long the end waits for answers that are under way.
  private static let graceTime = Duration.seconds(1)

  private let host: String
  private let port: Int
  private let routes: HealthRoutes
  private let logger: Logger
  private let onListening: @Sendable (Int) async -> Void

  /// Makes a server.
  ///
  /// - Parameters:
  ///   - host: the host to listen on.
  ///   - port: the port to listen on; 0 for any that is free.
  ///   - routes: what is answered.
  ///   - onListening: is told the port once it listens.
  package init(
    host: String, port: Int, routes: HealthRoutes, logger: Logger,
    onListening: @escaping @Sendable (Int) async -> Void = { _ in }
  ) {
    self.host = host
    self.port = port
    self.routes = routes
    self.logger = logger
    self.onListening = onListening
  }

  /// Serves until a graceful shutdown, or its task is cancelled. Throws where it cannot listen.
  package func run() async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    do {
      try await serve(on: group)
    } catch {
      try? await group.shutdownGracefully()
      throw error
    }
    try? await group.shutdownGracefully()
  }

  private func serve(on group: MultiThreadedEventLoopGroup) async throws {
    let most = min(Self.mostConnections, Descriptors.connections(atMost: 4 * Self.mostConnections) / 4)
    let ledger = ConnectionLedger(ConnectionLedger.Limits(total: most, perPeer: most / 2))
    let gate = ConnectionGate(ledger, name: "monitoring")
    let quiescing = ServerQuiescingHelper(group: group)
    let (routes, press) = (routes, AnswerPress())
    var limits = RequestClock.Limits()
    limits.head = .seconds(5)
    limits.body = .seconds(5)
    let clock = limits
    let listener = try await ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: ConnectionGate.backlog)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .serverChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(gate.listenerHandler())
          try channel.pipeline.syncOperations.addHandler(quiescing.makeServerChannelHandler(channel: channel))
        }
      }
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try gate.admit(channel)
          try channel.pipeline.syncOperations.configureHTTPServerPipeline()
          try channel.pipeline.syncOperations.addHandler(
            RequestClock.handler(clock) { (part: HTTPServerRequestPart) in
              switch part {
              case .head: .head
              case .body: .body
              case .end: .end
              }
            })
          try channel.pipeline.syncOperations.addHandler(MonitoringConnection(routes, press))
        }
      }
      .bind(host: host, port: port).get()
    await onListening(listener.localAddress?.port ?? port)
    // Ends with the shutdown, or with a cancelled task.
    try? await gracefulShutdown()
    let end = group.next().makePromise(of: Void.self)
    quiescing.initiateShutdown(promise: end)
    await withTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try? await end.futureResult.get() }
      tasks.addTask { try? await Task.sleep(for: Self.graceTime) }
      await tasks.next()
      // Whoever is still there is closed with the thread.
      tasks.cancelAll()
    }
  }
}
