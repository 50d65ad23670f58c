public import Hummingbird
public import Logging
public import ServiceLifecycle

/// Serves the health and the metrics of a daemon that serves nothing else.
public struct MonitoringServer: Sendable {
  private let host: String
  private let port: Int
  private let routes: HealthRoutes
  private let services: [any Service]
  private let logger: Logger
  private let onListening: @Sendable (Int) async -> Void

  /// Makes a server.
  ///
  /// - Parameters:
  ///   - host: the host to listen on.
  ///   - port: the port to listen on; 0 for any that is free.
  ///   - routes: what is answered.
  ///   - services: the daemon's work, which runs beside it; all end when one does.
  ///   - onListening: is told the port once it listens.
  public init(
    host: String, port: Int, routes: HealthRoutes, services: [any Service], logger: Logger,
    onListening: @escaping @Sendable (Int) async -> Void = { _ in }
  ) {
    self.host = host
    self.port = port
    self.routes = routes
    self.services = services
    self.logger = logger
    self.onListening = onListening
  }

  /// The application, which is a service.
  public func application() -> some ApplicationProtocol {
    let router = Router()
    routes.add(to: router)
    return Application(
      router: router,
      configuration: ApplicationConfiguration(address: .hostname(host, port: port)),
      services: services,
      onServerRunning: { channel in await onListening(channel.localAddress?.port ?? port) },
      logger: logger
    )
  }
}
