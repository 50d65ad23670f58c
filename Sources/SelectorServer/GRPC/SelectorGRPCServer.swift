package import Connections
package import Daemon
package import GRPCCore
import GRPCNIOTransportHTTP2Posix
package import Logging
package import Model
import NIOCore
import Overflow
package import Selection
import SelectorProtocol
import ServiceLifecycle

/// Serves `tonari.selector.v1.ReplicaSelector`, `grpc.health.v1.Health` and what else it is given by gRPC.
///
/// It ends gracefully: what is asked is answered, streams end with UNAVAILABLE so that clients go elsewhere.
package struct SelectorGRPCServer: Service {
  /// How to serve.
  package struct Configuration: Sendable {
    /// Where to listen.
    package var address: Address
    /// Certificate, key and authority of clients; nil for plain HTTP/2. The first two are read again when they change.
    package var tls: TLSFiles?
    /// Permissions of a socket in the file system, as `0o660`; nil for those that the process gives by itself.
    package var socketMode: UInt32?
    /// Who may do what.
    package var access = AccessPolicy()
    /// The largest message that is taken, in bytes.
    package var largestMessage = 4 << 20
    /// The most requests that are open at a time on one connection.
    package var mostStreams = 4096
    /// Bytes of messages that have not come in whole, over all connections; a peer has a quarter of that at most.
    package var mostPendingBytes = 256 << 20
    /// How long a connection is open without a request.
    package var idleTimeout = Duration.seconds(3600)
    /// How long a connection is silent before the client is asked whether it is there.
    package var keepaliveTime = Duration.seconds(60)
    /// The pod that alone can reach the address; nil where several can.
    package var pod: NodePod?
    /// How long the end waits for requests that are being answered.
    package var graceTime = Duration.seconds(10)

    /// Makes a configuration.
    package init(_ address: Address, tls: TLSFiles? = nil) {
      self.address = address
      self.tls = tls
    }
  }

  private let configuration: Configuration
  private let messages: SelectorMessages
  private let board: WatchBoard
  private let ledger: ConnectionLedger
  private let name: String
  private let services: [any RegistrableRPCService]
  private let capabilities: [MethodDescriptor: Capability]
  private let tokens: (any TokenReviewing)?
  private let health: [any HealthSource]
  private let logger: Logger
  private let now: @Sendable () -> Moment
  private let onListening: @Sendable (Int?) async -> Void

  /// Makes a server.
  ///
  /// - Parameters:
  ///   - messages: what answers.
  ///   - name: this selector's name among its peers.
  ///   - board: what watchers are told; nil for one of its own.
  ///   - ledger: who holds which connections, where other servers share it; nil for one of its own.
  ///   - services: what else is served, such as what Envoy asks.
  ///   - capabilities: what a caller needs for the methods of those services.
  ///   - tokens: what finds out whose a token is; nil to look at none.
  ///   - health: what the health service asks whether it is ready.
  ///   - now: the clock, the same for all that ask the dispatcher.
  ///   - onListening: is told the port once it listens; nil on a Unix socket.
  package init(
    _ configuration: Configuration, _ messages: SelectorMessages, name: String, board: WatchBoard? = nil,
    ledger: ConnectionLedger? = nil,
    services: [any RegistrableRPCService] = [], capabilities: [MethodDescriptor: Capability] = [:],
    tokens: (any TokenReviewing)? = nil, health: [any HealthSource] = [],
    logger: Logger = Logger(label: "tonari.selector.grpc"), now: @escaping @Sendable () -> Moment = { .now },
    onListening: @escaping @Sendable (Int?) async -> Void = { _ in }
  ) {
    self.configuration = configuration
    self.messages = messages
    self.board = board ?? WatchBoard(messages.dispatcher, now: now)
    self.ledger =
      ledger
      ?? ConnectionLedger(
        ConnectionLedger.Limits(total: Descriptors.connections(atMost: 10_000), perPeer: 5000))
    self.name = name
    self.services = services
    self.capabilities = capabilities
    self.tokens = tokens
    self.health = health
    self.logger = logger
    self.now = now
    self.onListening = onListening
  }

  /// Serves until it is shut down. Throws where it cannot listen, or `TLSFiles.Failure` where the certificates cannot be
  /// used.
  package func run() async throws {
    let certificates = try configuration.tls.map { try ReloadingCertificates($0, logger: logger) }
    let security = try security(certificates)
    let socket = try configuration.address.listen(mode: configuration.socketMode)
    var router = RPCRouter<HTTP2ServerTransport.Posix>()
    ReplicaSelectorService(messages: messages, board: board, name: name, now: now).registerMethods(with: &router)
    for service in services { service.registerMethods(with: &router) }
    let names = Set(router.methods.map(\.service.fullyQualifiedService))
    HealthService(sources: health, services: names).registerMethods(with: &router)
    router.registerInterceptors(pipeline: [
      .apply(
        CallerInterceptor(configuration.access, pod: configuration.pod, tokens: tokens, capabilities: capabilities),
        to: .all)
    ])
    try await socket.serve(router, security: security, configuration: transportConfiguration) { [configuration] in
      let port = socket.port.map(Int.init)
      logger.log(
        level: configuration.pod == nil ? .info : .debug, "Serving gRPC",
        metadata: ["address": "\(configuration.address.with(port: port))"])
      await onListening(port)
      try await certificates?.run()
    }
  }

  private func security(
    _ certificates: ReloadingCertificates?
  ) throws -> HTTP2ServerTransport.Posix.TransportSecurity {
    guard let certificates else { return .plaintext }
    guard let authority = configuration.tls?.clientAuthority else {
      return try .tls(certificateReloader: certificates)
    }
    return try .mTLS(certificateReloader: certificates) {
      $0.trustRoots = .certificates([.file(path: authority, format: .pem)])
    }
  }

  private var transportConfiguration: HTTP2ServerTransport.Posix.Config {
    let bytes = Budget(
      "grpc_bytes", total: configuration.mostPendingBytes, perPeer: configuration.mostPendingBytes / 4)
    let guarding = HTTP2Guard(
      ConnectionGate(
        ledger, name: "grpc \(configuration.address)", peer: configuration.pod.map { Peer($0) }), bytes,
      graceTime: configuration.graceTime, logger: logger)
    return .defaults {
      $0.channelDebuggingCallbacks.onBindTCPListener = { guarding.listen($0) }
      $0.channelDebuggingCallbacks.onAcceptTCPConnection = { guarding.accept($0) }
      $0.rpc.maxRequestPayloadSize = configuration.largestMessage
      $0.http2.maxConcurrentStreams = configuration.mostStreams
      $0.connection.maxIdleTime = configuration.idleTimeout
      $0.connection.maxGraceTime = configuration.graceTime
      $0.connection.keepalive.time = configuration.keepaliveTime
      // Sidecars keep a connection to ask at any time, and may see to it that it is open.
      $0.connection.keepalive.clientBehavior.allowWithoutCalls = true
      $0.connection.keepalive.clientBehavior.minPingIntervalWithoutCalls = .seconds(10)
      // Answers are held back only for those that are nearly ready: who asks waits with a request of its own.
      $0.connection.flushCoalescing = .init(maxFlushDelay: .microseconds(10), maxBytes: 64 << 10)
    }
  }
}
