package import Connections
package import Daemon
package import Hummingbird
import HummingbirdCore
import Logging
import Model
import NIOCore
import NIOHTTPTypes
package import ServiceLifecycle

/// Serves a ``SchedulerWebhook`` over HTTP, with its metrics and health.
package struct ExtenderServer: Sendable {
  /// How to serve.
  package struct Configuration: Sendable {
    /// The host to listen on.
    package var host: String
    /// The port to listen on; 0 for any that is free.
    package var port: Int
    /// The path that the calls are under, such as `/scheduler`; empty for none.
    package var prefix: String
    /// The largest request that is taken, in bytes.
    package var largestRequest = 100 << 20
    /// How many bytes of requests are held at a time.
    package var memoryForRequests = 256 << 20
    /// How many bytes of requests of one peer are held at a time.
    package var memoryForPeer = 128 << 20
    /// How long requests may take to come in, and connections may be idle.
    package var times = RequestClock.Limits()
    /// How many connections are open at a time; beyond, one that is idle makes room.
    package var connections = ConnectionLedger.Limits(total: 1024, perPeer: 256)
    /// Whether health and metrics are answered here, too.
    package var servesHealth = true
    /// Certificate, key and authority of clients; nil for plain HTTP.
    package var tls: TLSFiles?

    /// Makes a configuration.
    package init(host: String = "127.0.0.1", port: Int, prefix: String = "/scheduler", tls: TLSFiles? = nil) {
      self.host = host
      self.port = port
      self.prefix = prefix
      self.tls = tls
    }
  }

  private let configuration: Configuration
  private let webhook: SchedulerWebhook
  private let health: [any HealthSource]
  private let services: [any Service]
  private let onListening: @Sendable (Int) async -> Void

  /// Makes a server.
  ///
  /// - Parameters:
  ///   - health: what `/readyz` asks.
  ///   - services: what runs beside it; all end when one does.
  ///   - onListening: is told the port once it listens.
  package init(
    _ configuration: Configuration, _ webhook: SchedulerWebhook, health: [any HealthSource] = [],
    services: [any Service] = [], onListening: @escaping @Sendable (Int) async -> Void = { _ in }
  ) {
    self.configuration = configuration
    self.webhook = webhook
    self.health = health
    self.services = services
    self.onListening = onListening
  }

  /// What is answered of health and metrics, for a server of their own.
  package static func healthRoutes(_ webhook: SchedulerWebhook, _ health: [any HealthSource]) -> HealthRoutes {
    HealthRoutes(webhook.metrics.registry, health, stalenessLabel: "tonari_extender_staleness_seconds")
  }

  /// The application, which is a service: it ends gracefully, after what is in flight.
  ///
  /// Throws ``TLSFiles/Failure`` where the certificates cannot be used.
  package func application() throws -> some ApplicationProtocol {
    let intake = RequestIntake(
      largest: configuration.largestRequest,
      memory: Budget("request_bytes", total: configuration.memoryForRequests, perPeer: configuration.memoryForPeer))
    let routes = ExtenderRoutes(configuration, webhook, health, intake)
    let times = configuration.times
    let http = HTTP1Channel.Configuration(
      additionalChannelHandlers: [
        RequestClock.handler(times) { (part: HTTPRequestPart) in
          switch part {
          case .head: .head
          case .body: .body
          case .end: .end
          }
        },
        ContinueHandler(largest: configuration.largestRequest),
      ], httpDecoderConfiguration: .init(maxHeaderFieldSize: 16 << 10, maxHeaderListSize: 32 << 10))
    let ledger = ConnectionLedger(
      ConnectionLedger.Limits(
        total: Descriptors.connections(atMost: configuration.connections.total),
        perPeer: configuration.connections.perPeer))
    let gate = ConnectionGate(ledger, name: "extender")
    webhook.metrics.watch(ledger, intake: intake)
    var services = services + [ExpirySweep(webhook: webhook)]
    let server: HTTPServerBuilder
    if let files = configuration.tls {
      let certificates = try ReloadingCertificates(files, logger: webhook.logger)
      services.append(certificates)
      server = HTTPServerBuilder { responder in
        EventLoopChannel(
          ReloadingTLSChannel(HTTP1Channel(responder: responder, configuration: http), certificates), gate)
      }
    } else {
      server = HTTPServerBuilder { responder in
        EventLoopChannel(HTTP1Channel(responder: responder, configuration: http), gate)
      }
    }
    return Application(
      router: routes.router(),
      server: server,
      configuration: ApplicationConfiguration(
        address: .hostname(configuration.host, port: configuration.port), backlog: Int(ConnectionGate.backlog)
      ),
      services: services,
      onServerRunning: { channel in
        _ = channel.eventLoop.submit {
          try channel.pipeline.syncOperations.addHandler(gate.listenerHandler(), position: .first)
        }
        await onListening(channel.localAddress?.port ?? configuration.port)
      },
      logger: webhook.logger
    )
  }
}

/// Lets bindings that never came true expire, once a second.
private struct ExpirySweep: Service {
  let webhook: SchedulerWebhook

  func run() async throws {
    await everySecond { webhook.expire(at: .now) }
  }
}

/// Does something each second until the service is to end.
func everySecond(_ work: @escaping @Sendable () async -> Void) async {
  try? await cancelWhenGracefulShutdown {
    while true {
      try await Task.sleep(for: .seconds(1))
      await work()
    }
  }
}
