import ArgumentParser
import Connections
import Daemon
import Fleet
import Foundation
import Kubernetes
import Logging
import MeshController
import Model

/// Follows overflow policies until it is stopped.
struct OverflowRunCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Follow the policies until it is stopped.",
    discussion: """
      Several processes may do so: one leads, the others take over when it goes. What was written last stays when all \
      are gone.
      """)

  @OptionGroup(title: "Cluster") var api: ClusterAPIOptions

  @Option(help: ArgumentHelp("What this cluster's neighbours call it.", valueName: "name"))
  var cluster: String?

  @Option(help: ArgumentHelp("Follow the policies of this namespace only.", valueName: "name"))
  var namespace: String?

  @OptionGroup(title: "What policies may ask for") var rules: PolicyRuleOptions

  @OptionGroup(title: "Measurements") var sources: OverflowSourceOptions

  @OptionGroup(title: "Neighbours") var neighbours: BrokerOptions

  @Option(
    help: ArgumentHelp("The time between two rounds. (default: 1s)", valueName: "duration"),
    transform: Duration.argument
  )
  var interval: Duration?

  @Option(
    help: ArgumentHelp(
      "Where to answer for health and metrics; port 0 is any that is free. (default: 127.0.0.1:8891)",
      valueName: "host:port"),
    transform: ListenAddress.init
  )
  var listen = ListenAddress(host: "127.0.0.1", port: 8891)

  @Option(
    help: ArgumentHelp(
      "The lease that says who leads.",
      discussion: "Without a namespace it is in that of the kubeconfig's context, or of the pod.",
      valueName: "namespace/name")
  )
  var lease = "tonari-overflow"

  @Option(help: ArgumentHelp("Who this process is in the election. (default: made up)", valueName: "name"))
  var identity: String?

  @OptionGroup var ending: DaemonOptions
  @OptionGroup var log: LogOptions

  func validate() throws {
    let parts = lease.split(separator: "/", omittingEmptySubsequences: false)
    if parts.count > 2 || parts.contains("") { throw ValidationError("--lease: '\(lease)': expected namespace/name") }
    for (name, value) in [("--identity", identity), ("--cluster", cluster), ("--namespace", namespace)] {
      if value == "" { throw ValidationError("\(name): expected a name") }
    }
    if neighbours.mqtt != nil, cluster == nil {
      throw ValidationError("--mqtt: expected --cluster, by which this cluster's neighbours know it")
    }
  }

  func run() async throws {
    guard let configuration = try api.configuration() else {
      throw ValidationError("expected a cluster to follow: --kubeconfig or --in-cluster")
    }
    let logger = log.logger("tonari.overflow")
    // The next round tries again by itself.
    let retries = RetryPolicy(attempts: 2, backoff: Backoff(shortest: .milliseconds(50), longest: .milliseconds(200)))
    let client = APIClient(
      configuration, fieldManager: "tonari-overflow", retries: retries, timeout: .seconds(5), logger: logger)
    let parts = lease.split(separator: "/").map(String.init)
    let key =
      parts.count == 2
      ? ObjectKey(namespace: parts[0], name: parts[1])
      : ObjectKey(namespace: configuration.namespace, name: lease)
    var settings = OverflowController.Configuration(
      election: LeaderElector.Configuration(
        lease: key, identity: identity ?? "\(ProcessInfo.processInfo.hostName)_\(UUID().uuidString)"))
    settings.cluster = cluster ?? ""
    settings.namespace = namespace
    settings.rules = rules.rules
    settings.interval = interval ?? settings.interval

    let registry = MetricsRegistry()
    neighbours.warn(logger)
    let authority = try neighbours.authority()
    let broker = try neighbours.broker.map { broker in
      try BrokerExchange(broker, cluster: cluster ?? "", authority: authority, logger: logger)
    }
    let controller = OverflowController(
      settings, client: client, sources: sources.sources(client, interval: settings.interval), exchange: broker,
      registry: registry, logger: logger)
    let health = controller.health + (broker.map { [$0] } ?? [])
    var routes = HealthRoutes(registry, health, stalenessLabel: "tonari_overflow_staleness_seconds")
    routes.show("overflow", type: "application/json") { controller.history.json }
    let host = listen.host
    let server = MonitoringServer(
      host: host, port: listen.port, routes: routes, logger: logger,
      onListening: { port in
        logger.notice("Listening", metadata: ["url": "http://\(ListenAddress(host: host, port: port))/readyz"])
      })
    try await ending.daemon(server, [controller] + (broker.map { [$0] } ?? []), logger).run()
  }
}
