public import Dispatching
import GRPCCore
public import Logging
public import Monitoring
import NIOCore
import NIOExtras
import NIOHTTP2
import NIOPosix
public import Selection
public import SelectorServer
public import ServiceLifecycle

/// Serves the endpoint picker alone (`envoy.service.ext_proc.v3.ExternalProcessor` and `grpc.health.v1.Health/Check`), as
/// ``EndpointPicker`` does, at a fraction of what a stream costs there: Envoy opens one for each request.
///
/// Plain HTTP/2, for a sidecar on the same machine. It ends gracefully: Envoy is told to go elsewhere, and what is under way
/// is followed to its end, for ``graceTime`` at most.
public struct PickerServer: ServiceLifecycle.Service {
  /// The longest message that is taken, in bytes: bodies in one piece, where Envoy sends them.
  public static let longestMessage = 4 << 20
  /// The most requests that are under way at a time on one connection.
  public static let mostStreams = 100_000
  /// How long the end waits for requests that are under way.
  public static let graceTime = Duration.seconds(5)

  private let addresses: [SelectorGRPCServer.Address]
  private let socketMode: UInt32?
  private let answers: PickerAnswers
  private let logger: Logger
  private let onListening: @Sendable ([SelectorGRPCServer.Address]) -> Void

  /// Makes a server.
  ///
  /// - Parameters:
  ///   - dispatcher: what picks.
  ///   - addresses: where to listen.
  ///   - socketMode: permissions of a socket in the file system, as `0o660`; nil for those that the process gives by itself.
  ///   - health: what tells whether the selector knows all that it should.
  ///   - now: the clock, the same for all that ask the dispatcher.
  ///   - onListening: is told where once it listens, with the ports that were free for those asked for as 0.
  public init(
    _ dispatcher: Dispatcher, addresses: [SelectorGRPCServer.Address], socketMode: UInt32? = nil,
    health: [any HealthSource] = [], logger: Logger = Logger(label: "tonari.selector.picker"),
    now: @escaping @Sendable () -> Moment = { .now },
    onListening: @escaping @Sendable ([SelectorGRPCServer.Address]) -> Void = { _ in }
  ) {
    self.addresses = addresses
    self.socketMode = socketMode
    answers = PickerAnswers(dispatcher: dispatcher, health: health, now: now)
    self.logger = logger
    self.onListening = onListening
  }

  /// Serves until a graceful shutdown or its task is cancelled. Throws where it cannot listen.
  public func run() async throws {
    let group = MultiThreadedEventLoopGroup.singleton
    var listeners: [(channel: any Channel, quiescing: ServerQuiescingHelper)] = []
    do {
      for address in addresses {
        let quiescing = ServerQuiescingHelper(group: group)
        listeners.append((try await listen(on: address, group, quiescing), quiescing))
        try address.setMode(socketMode)
      }
    } catch {
      for listener in listeners { listener.quiescing.initiateShutdown(promise: nil) }
      throw error
    }
    let found = zip(addresses, listeners).map { $0.with(port: $1.channel.localAddress?.port) }
    for address in found { logger.info("Serving Envoy's picks", metadata: ["address": "\(address)"]) }
    onListening(found)
    // Ends with the shutdown, or with a cancelled task.
    try? await gracefulShutdown()
    let ends = listeners.map { listener in
      let end = group.next().makePromise(of: Void.self)
      listener.quiescing.initiateShutdown(promise: end)
      return end.futureResult
    }
    await withTaskGroup(of: Void.self) { tasks in
      tasks.addTask { for end in ends { try? await end.get() } }
      tasks.addTask { try? await Task.sleep(for: Self.graceTime) }
      await tasks.next()
      tasks.cancelAll()
    }
  }

  private func listen(
    on address: SelectorGRPCServer.Address, _ group: MultiThreadedEventLoopGroup, _ quiescing: ServerQuiescingHelper
  ) async throws -> any Channel {
    let answers = answers
    let bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 1024)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .serverChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(quiescing.makeServerChannelHandler(channel: channel))
        }
      }
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandlers(
            NIOHTTP2Handler(
              mode: .server, connectionConfiguration: Self.connectionConfiguration,
              streamConfiguration: Self.streamConfiguration), PickerConnection(answers))
        }
      }
    switch address {
    case .unix(let path):
      return try await bootstrap.bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true).get()
    case .host(let host, let port):
      return try await bootstrap.childChannelOption(.tcpOption(.tcp_nodelay), value: 1).bind(host: host, port: port)
        .get()
    }
  }

  private static var connectionConfiguration: NIOHTTP2Handler.ConnectionConfiguration {
    var configuration = NIOHTTP2Handler.ConnectionConfiguration()
    configuration.initialSettings = [
      HTTP2Setting(parameter: .maxConcurrentStreams, value: mostStreams),
      HTTP2Setting(parameter: .initialWindowSize, value: PickerConnection.streamWindow),
      HTTP2Setting(parameter: .maxHeaderListSize, value: 64 << 10),
    ]
    configuration.maximumRecentlyResetStreams = 1024
    return configuration
  }

  private static var streamConfiguration: NIOHTTP2Handler.StreamConfiguration {
    var configuration = NIOHTTP2Handler.StreamConfiguration()
    // All requests of a sidecar share a connection, and a client that goes away resets its stream: that is no attack.
    configuration.streamResetFrameRateLimit.maximumCount = .max
    configuration.streamErrorRateLimit.maximumCount = .max
    return configuration
  }
}
