package import Connections
package import Daemon
import GRPCCore
package import Logging
package import Model
import NIOCore
import NIOExtras
import NIOPosix
import NIOSSL
package import Selection
import ServiceLifecycle
import Synchronization

/// Serves the endpoint picker: Envoy's external processing (`envoy.service.ext_proc.v3.ExternalProcessor`) by the endpoint
/// picker protocol 1.0.0 of the Gateway API Inference Extension, with `grpc.health.v1.Health/Check`.
///
/// A request is picked for when its headers come and counts as in flight until its response, or its stream, ends. Where no endpoint is ready it is answered 503, where the service is full 429. As long as the selector does not
/// know all that it should, a stream for a service that it does not know ends with UNAVAILABLE, so that Envoy goes on by
/// itself where it may (`failure_mode_allow`).
///
/// It reads HTTP/2 a connection at a time: Envoy opens a stream for each request and resets each, and servers with a task
/// or a channel for a stream take more than Envoy itself, or take that for an attack. It ends gracefully: Envoy is told to
/// go elsewhere, and what is under way is followed to its end, for ``graceTime`` at most.
package struct PickerServer: ServiceLifecycle.Service {
  /// The longest message that is taken, in bytes: bodies in one piece, where Envoy sends them.
  package static let longestMessage = 4 << 20
  /// The most requests that are under way at a time on one connection.
  package static let mostStreams: UInt32 = 20_000
  /// How long the end waits for requests that are under way.
  package static let graceTime = Duration.seconds(5)

  private let addresses: [SelectorGRPCServer.Address]
  private let socketMode: UInt32?
  private let tls: TLSFiles?
  private let answers: PickerAnswers
  private let limits: PickerLimits
  private let pod: NodePod?
  private let logger: Logger
  private let onListening: @Sendable ([SelectorGRPCServer.Address]) -> Void

  /// Makes a server.
  ///
  /// - Parameters:
  ///   - dispatcher: what picks.
  ///   - addresses: where to listen.
  ///   - socketMode: permissions of a socket in the file system, as `0o660`; nil for those that the process gives by itself.
  ///   - tls: certificate, key and authority of clients, for ports; nil for plain HTTP/2. They are read again when they
  ///     change.
  ///   - usualService: the service of requests that do not tell theirs; nil for none.
  ///   - health: what tells whether the selector knows all that it should.
  ///   - limits: what peers may hold.
  ///   - pod: the pod that alone can reach the addresses; nil where several can.
  ///   - now: the clock, the same for all that ask the dispatcher.
  ///   - onListening: is told where once it listens, with the ports that were free for those asked for as 0.
  package init(
    _ dispatcher: Dispatcher, addresses: [SelectorGRPCServer.Address], socketMode: UInt32? = nil, tls: TLSFiles? = nil,
    access: AccessPolicy = AccessPolicy(), usualService: String? = nil,
    health: [any HealthSource] = [], limits: PickerLimits = PickerLimits(), pod: NodePod? = nil,
    logger: Logger = Logger(label: "tonari.selector.picker"),
    now: @escaping @Sendable () -> Moment = { .now },
    onListening: @escaping @Sendable ([SelectorGRPCServer.Address]) -> Void = { _ in }
  ) {
    self.addresses = addresses
    self.socketMode = socketMode
    self.tls = tls
    answers = PickerAnswers(
      dispatcher: dispatcher, access: access, usualService: usualService, health: health, now: now, pod: pod)
    self.limits = limits
    self.pod = pod
    self.logger = logger
    self.onListening = onListening
  }

  /// Serves until a graceful shutdown or its task is cancelled. Throws where it cannot listen, or `TLSFiles.Failure` where
  /// the certificates cannot be used.
  package func run() async throws {
    let certificates = try tls.map { try ReloadingCertificates($0, applicationProtocols: ["h2"], logger: logger) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await certificates?.run() }
      try await serve(certificates)
      group.cancelAll()
    }
  }

  private func serve(_ certificates: ReloadingCertificates?) async throws {
    let group = MultiThreadedEventLoopGroup.singleton
    var listeners: [(channel: any Channel, quiescing: ServerQuiescingHelper)] = []
    let sockets = try listeningSockets()
    defer { for socket in sockets { socket.removeFile() } }
    let connections = OpenChannels()
    do {
      for (address, socket) in zip(addresses, sockets) {
        let quiescing = ServerQuiescingHelper(group: group)
        listeners.append(
          (
            try await listen(
              on: socket, at: address, address.isLocal ? nil : certificates, group, quiescing, connections), quiescing
          ))
      }
    } catch {
      for listener in listeners { listener.quiescing.initiateShutdown(promise: nil) }
      throw error
    }
    let found = zip(addresses, sockets).map { $0.with(port: $1.port.map(Int.init)) }
    for address in found {
      logger.log(level: pod == nil ? .info : .debug, "Serving Envoy's picks", metadata: ["address": "\(address)"])
    }
    onListening(found)
    // Ends with the shutdown, or with a cancelled task.
    try? await gracefulShutdown()
    for socket in sockets { socket.removeFile() }
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
    // A cancelled task waits for nobody.
    connections.closeAll()
  }

  /// Listens on all addresses, or on none.
  private func listeningSockets() throws(SocketError) -> [ListeningSocket] {
    var sockets: [ListeningSocket] = []
    do throws(SocketError) {
      for address in addresses { sockets.append(try address.listen(mode: socketMode)) }
    } catch {
      for socket in sockets { socket.close() }
      throw error
    }
    return sockets
  }

  private func listen(
    on socket: ListeningSocket, at address: SelectorGRPCServer.Address, _ certificates: ReloadingCertificates?,
    _ group: MultiThreadedEventLoopGroup,
    _ quiescing: ServerQuiescingHelper, _ connections: OpenChannels
  ) async throws -> any Channel {
    let (answers, limits) = (answers, limits)
    let gate = ConnectionGate(limits.connections, name: "picker \(address)", peer: pod.map { Peer($0) })
    var bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: ConnectionGate.backlog)
      .serverChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(gate.listenerHandler())
          try channel.pipeline.syncOperations.addHandler(quiescing.makeServerChannelHandler(channel: channel))
        }
      }
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          connections.add(channel)
          let peer = try gate.admit(channel)
          if let certificates {
            try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: certificates.context))
          }
          try channel.pipeline.syncOperations.addHandler(PickerConnection(answers, limits, peer))
        }
      }
    if socket.port != nil { bootstrap = bootstrap.childChannelOption(.tcpOption(.tcp_nodelay), value: 1) }
    return try await bootstrap.withBoundSocket(socket.descriptor).get()
  }
}

/// The connections that are open, to be closed where nobody waits for them any longer.
private final class OpenChannels: Sendable {
  private let channels = Mutex<[ObjectIdentifier: any Channel]>([:])

  func add(_ channel: any Channel) {
    let id = ObjectIdentifier(channel)
    channels.withLock { $0[id] = channel }
    channel.closeFuture.whenComplete { [self] _ in channels.withLock { _ = $0.removeValue(forKey: id) } }
  }

  func closeAll() {
    for channel in channels.withLock({ Array($0.values) }) { channel.close(promise: nil) }
  }
}
