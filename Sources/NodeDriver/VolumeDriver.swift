import Connections
package import Daemon
import GRPCCore
import GRPCNIOTransportHTTP2Posix
package import Logging
package import Selection
import ServiceLifecycle
import Synchronization

/// Serves kubelet on a node: gives pods a folder of sockets, and the selector all of them.
///
/// Two sockets are served: the driver's own, and one in kubelet's folder of plugins by which kubelet finds it.
package final class VolumeDriver: Service, HealthSource {
  /// How to serve.
  package struct Configuration: Hashable, Sendable {
    /// The driver's name, as the object CSIDriver has it.
    package var name = "csi.tonari.dev"
    /// Its version.
    package var version = ""
    /// The node's name.
    package var node: String
    /// The folder of sockets.
    package var base = PodFolders.base
    /// Kubelet's own folder.
    package var kubelet = "/var/lib/kubelet"
    /// The driver's own socket; nil for `<kubelet>/plugins/<name>/csi.sock`.
    package var socket: String?
    /// The socket by which kubelet finds it; nil for `<kubelet>/plugins_registry/<name>-reg.sock`.
    package var registration: String?
    /// The user, and the group, as which selectors run.
    package var selectorUser: UInt32 = 65532
    /// The service accounts of which pods get the folders of all pods.
    package var selectors: Set<Identity.ServiceAccount> = []
    /// How often what is left of pods is looked for.
    package var reconcileInterval = Duration.seconds(300)

    /// Makes a configuration.
    package init(node: String) {
      self.node = node
    }
  }

  /// Kubelet's requests are some hundred bytes long.
  private static let largestMessage = 256 << 10
  private static let mostStreams = 256

  private let configuration: Configuration
  private let node: NodeService
  private let registration: RegistrationService
  private let socketPath: String
  private let registrationPath: String
  private let fault = Mutex<String?>(nil)
  private let logger: Logger
  private let onListening: @Sendable () -> Void

  /// Makes a driver that does not serve yet, and the folders that are missing.
  ///
  /// - Parameter onListening: is called once both sockets are served.
  /// - Throws: an error that names the folder that cannot be used.
  package init(
    _ configuration: Configuration, logger: Logger = Logger(label: "tonari.csi"),
    onListening: @escaping @Sendable () -> Void = {}
  ) throws {
    self.configuration = configuration
    self.logger = logger
    self.onListening = onListening
    socketPath = configuration.socket ?? "\(configuration.kubelet)/plugins/\(configuration.name)/csi.sock"
    registrationPath =
      configuration.registration ?? "\(configuration.kubelet)/plugins_registry/\(configuration.name)-reg.sock"
    let volumes = try PodVolumes(
      base: configuration.base, kubeletPods: "\(configuration.kubelet)/pods",
      selectorUser: configuration.selectorUser,
      selectors: configuration.selectors, logger: logger)
    node = NodeService(node: configuration.node, volumes, logger: logger)
    registration = RegistrationService(name: configuration.name, endpoint: socketPath, logger: logger)
  }

  /// Serves until a graceful shutdown or its task is cancelled. What is published stays.
  ///
  /// - Throws: `SocketError` where it cannot listen.
  package func run() async throws {
    try await reconcile()
    if try await !node.withVolumes({ try $0.isShared() }) {
      let text = """
        \(configuration.kubelet)/pods is not on a shared mount: kubelet does not see what a driver in a container mounts \
        there; expected mountPropagation: Bidirectional
        """
      fault.withLock { $0 = text }
      logger.warning("Kubelet may not see mounts", metadata: ["reason": "\(text)"])
    }
    let own = try ListeningSocket(path: socketPath, mode: 0o600)
    let found: ListeningSocket
    do {
      found = try ListeningSocket(path: registrationPath, mode: 0o600)
    } catch {
      own.close()
      throw error
    }
    logger.notice("Serving kubelet", metadata: ["socket": "\(socketPath)", "registration": "\(registrationPath)"])
    let identity = IdentityService(name: configuration.name, version: configuration.version)
    let served = Atomic(0)
    let listening: @Sendable () -> Void = { [onListening] in
      if served.add(1, ordering: .relaxed).newValue == 2 { onListening() }
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await Self.serve([identity, self.node], on: own, listening) }
      // Kubelet forgets the driver when this socket's file goes.
      group.addTask { try await Self.serve([self.registration], on: found, listening) }
      group.addTask { try await self.reconcileRepeatedly() }
      defer { group.cancelAll() }
      for try await _ in group {}
    }
  }

  private static func serve(
    _ services: [any RegistrableRPCService], on socket: ListeningSocket, _ listening: @escaping @Sendable () -> Void
  ) async throws {
    var router = RPCRouter<HTTP2ServerTransport.Posix>()
    for service in services { service.registerMethods(with: &router) }
    let configuration = HTTP2ServerTransport.Posix.Config.defaults {
      $0.rpc.maxRequestPayloadSize = largestMessage
      $0.http2.maxConcurrentStreams = mostStreams
      $0.connection.maxGraceTime = .seconds(5)
    }
    try await socket.serve(router, configuration: configuration) { listening() }
  }

  private func reconcileRepeatedly() async throws {
    try? await cancelWhenGracefulShutdown {
      while true {
        try await Task.sleep(for: self.configuration.reconcileInterval)
        do {
          try await self.reconcile()
        } catch let error as VolumeError {
          self.logger.error("Cannot look for what pods left behind", metadata: ["error": "\(error)"])
        }
      }
    }
  }

  private func reconcile() async throws { try await node.withVolumes { try $0.reconcile() } }

  /// How it stands: ready once kubelet knows it.
  package func report() -> HealthReport {
    let fault = fault.withLock { $0 }
    return switch registration.state {
    case .registered: HealthReport(name: "kubelet", isReady: true, fault: fault)
    case .unknown: HealthReport(name: "kubelet", isReady: false, fault: "kubelet has not asked yet")
    case .refused(let reason): HealthReport(name: "kubelet", isReady: false, fault: "kubelet refused: \(reason)")
    }
  }

  /// Adds what it counts to a registry.
  package func register(in registry: MetricsRegistry) {
    registry.collect { [node] in
      let counts = node.counts
      var calls = CollectedMetric("tonari_csi_volumes_total", .counter, "Volumes, by what was done with them.")
      calls.add(counts.published, [("call", "publish")])
      calls.add(counts.unpublished, [("call", "unpublish")])
      var failures = CollectedMetric("tonari_csi_failures_total", .counter, "Refused calls of kubelet, by status.")
      for (code, count) in counts.failures.sorted(by: { $0.key < $1.key }) { failures.add(count, [("status", code)]) }
      return [calls, failures]
    }
  }
}
