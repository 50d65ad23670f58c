public import Certificates
public import Dispatching
import GRPCCore
import GRPCNIOTransportHTTP2Posix
public import Logging
public import Monitoring
import NIOCore
public import Selection
public import ServiceLifecycle

/// Serves `tonari.selector.v1.ReplicaSelector` and `grpc.health.v1.Health` by gRPC.
///
/// It ends gracefully: what is asked is answered, streams end with UNAVAILABLE so that clients go elsewhere.
public struct SelectorGRPCServer: Service {
  /// Where to listen.
  public enum Address: Hashable, Sendable {
    /// A host, by name or number, and a port; 0 for any that is free.
    case host(String, port: Int)
    /// A Unix socket at a path; one that is there is replaced.
    case unix(path: String)
  }

  /// How to serve.
  public struct Configuration: Hashable, Sendable {
    /// Where to listen.
    public var address: Address
    /// Certificate, key and authority of clients; nil for plain HTTP/2. The first two are read again when they change.
    public var tls: TLSFiles?
    /// The largest message that is taken, in bytes.
    public var largestMessage = 4 << 20
    /// The most requests that are open at a time on one connection.
    public var mostStreams = 10_000
    /// How long a connection is open without a request.
    public var idleTimeout = Duration.seconds(3600)
    /// How long a connection is silent before the client is asked whether it is there.
    public var keepaliveTime = Duration.seconds(60)
    /// How long the end waits for requests that are being answered.
    public var graceTime = Duration.seconds(10)

    /// Makes a configuration.
    public init(_ address: Address, tls: TLSFiles? = nil) {
      self.address = address
      self.tls = tls
    }
  }

  private let configuration: Configuration
  private let messages: SelectorMessages
  private let name: String
  private let health: [any HealthSource]
  private let logger: Logger
  private let now: @Sendable () -> Moment
  private let onListening: @Sendable (Int?) async -> Void

  /// Makes a server.
  ///
  /// - Parameters:
  ///   - messages: what answers.
  ///   - name: this selector's name among its peers.
  ///   - health: what the health service asks whether it is ready.
  ///   - now: the clock, the same for all that ask the dispatcher.
  ///   - onListening: is told the port once it listens; nil on a Unix socket.
  public init(
    _ configuration: Configuration, _ messages: SelectorMessages, name: String, health: [any HealthSource] = [],
    logger: Logger = Logger(label: "tonari.selector.grpc"), now: @escaping @Sendable () -> Moment = { .now },
    onListening: @escaping @Sendable (Int?) async -> Void = { _ in }
  ) {
    self.configuration = configuration
    self.messages = messages
    self.name = name
    self.health = health
    self.logger = logger
    self.now = now
    self.onListening = onListening
  }

  /// Serves until it is shut down. Throws where it cannot listen, or `TLSFiles.Failure` where the certificates cannot be
  /// used.
  public func run() async throws {
    let certificates = try configuration.tls.map { try ReloadingCertificates($0, logger: logger) }
    let transport = HTTP2ServerTransport.Posix(
      address: try configuration.address.resolved(), transportSecurity: try security(certificates),
      config: transportConfiguration)
    let server = GRPCServer(
      transport: transport,
      services: [
        ReplicaSelectorService(messages: messages, name: name, now: now), HealthService(sources: health),
      ])
    try await withGracefulShutdownHandler {
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
          let port = Self.port(of: try await transport.listeningAddress)
          logger.info("Serving gRPC", metadata: ["address": "\(configuration.address.described(port: port))"])
          await onListening(port)
          try await certificates?.run()
        }
        try await server.serve()
        group.cancelAll()
      }
    } onGracefulShutdown: {
      server.beginGracefulShutdown()
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
    .defaults {
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

  private static func port(of address: GRPCNIOTransportCore.SocketAddress) -> Int? {
    address.ipv4?.port ?? address.ipv6?.port
  }
}

extension SelectorGRPCServer.Address {
  /// The address as the transport knows it; a name is looked up.
  fileprivate func resolved() throws -> GRPCNIOTransportCore.SocketAddress {
    switch self {
    case .unix(let path): return .unixDomainSocket(path: path)
    case .host(let host, let port):
      switch try NIOCore.SocketAddress.makeAddressResolvingHost(host, port: port) {
      case .v6(let address): return .ipv6(host: address.host.isEmpty ? host : address.host, port: port)
      case let address: return .ipv4(host: address.ipAddress ?? host, port: port)
      }
    }
  }

  fileprivate func described(port: Int?) -> String {
    switch self {
    case .unix(let path): "unix:\(path)"
    case .host(let host, let asked): "\(host):\(port ?? asked)"
    }
  }
}
