import ArgumentParser
import Connections
import Daemon
import Extender
import Formats
import Kubernetes
import Logging
import Placement
import Planner
import ServiceLifecycle

/// Serves the plan to kube-scheduler.
struct ExtenderCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "extender",
    abstract: "Serve a plan to kube-scheduler.",
    discussion: """
      Answers the scheduler's questions about nodes (scheduler extender, v1) from a plan: nodes where the plan still has \
      room for a replica score highest. Where the plan has nothing to say, nodes score by the traffic that a replica \
      would keep on them. The plan's file is read again whenever it changes.

      With --kubeconfig or --in-cluster it knows what runs where, takes the PlacementPlan objects of the cluster where \
      there is no --plan, and binds pods. Without, it counts the replicas that are bound through /bind, and binds nothing.

      EXAMPLES
        Serve the plans of the cluster that kubectl talks to:
          tonari extender --kubeconfig ~/.kube/config

        With the traffic, for workloads that no plan places:
          tonari extender --kubeconfig ~/.kube/config --prometheus http://prometheus.monitoring:9090

        Serve a plan on loopback:
          tonari extender --plan plan.yaml

        With the traffic, for workloads that the plan does not place:
          tonari extender --plan plan.yaml --cluster cluster.json --traffic traffic.csv

        Ask it, as a scheduler does:
          curl -s localhost:8888/scheduler/prioritize -d '{"NodeNames": ["node-1", "node-2"],
            "Pod": {"metadata": {"name": "p", "annotations": {"tonari.dev/workload": "default/cart"}}}}'

      \(ExitStatus.help)
      """
  )

  @Option(
    help: ArgumentHelp(
      "Where to listen; port 0 is any that is free. (default: 127.0.0.1:8888)", valueName: "host:port"),
    transform: ListenAddress.init
  )
  var listen = ListenAddress(host: "127.0.0.1", port: 8888)

  @Option(
    help: ArgumentHelp("The PlacementPlan to serve, as YAML or JSON.", valueName: "file"),
    completion: .file(extensions: ["yaml", "json"])
  )
  var plan: String?

  @Option(
    name: .shortAndLong,
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "The cluster that the traffic is of, as for 'plan': its nodes, zones and names.", valueName: "file"),
    completion: .file()
  )
  var cluster: [String] = []

  @OptionGroup(title: "Traffic") var traffic: TrafficOptions
  @OptionGroup(title: "Prometheus") var prometheus: PrometheusOptions
  @OptionGroup(title: "The cluster to follow") var api: ClusterAPIOptions

  @Option(
    help: ArgumentHelp("The time between two questions to Prometheus. (default: 60s)", valueName: "duration"),
    transform: Duration.argument
  )
  var interval: Duration?

  @Option(help: ArgumentHelp("The path that filter, prioritize, preempt and bind are under.", valueName: "path"))
  var prefix = "/scheduler"

  @Flag(help: "Let pods of planned workloads run on the plan's nodes only, even if they have to wait.")
  var enforce = false

  @Option(
    help: ArgumentHelp(
      "Serve /livez, /readyz and /metrics here, beside the scheduler. (default: where it listens)",
      discussion: "On a listener and a thread of their own they are answered whatever is asked of the others.",
      valueName: "host:port"),
    transform: ListenAddress.init
  )
  var http: ListenAddress?

  @OptionGroup(title: "TLS") var tls: TLSOptions

  @Flag(help: "Listen beyond this machine without TLS: whoever reaches the port reads pods, and binds them.")
  var insecure = false

  @OptionGroup var ending: DaemonOptions

  @OptionGroup var log: LogOptions

  func validate() throws {
    if plan == "-" { throw ValidationError("--plan: the file is read again when it changes, expected a path") }
    try traffic.requireOneMatrix("the extender")
    if traffic.traffic.contains("-"), api.isGiven {
      throw ValidationError("--traffic: the files are read again when they change, expected paths")
    }
    if plan == nil, traffic.traffic.isEmpty, !api.isGiven {
      throw ValidationError("expected --plan, --traffic, or a cluster to follow: --kubeconfig or --in-cluster")
    }
    if api.isGiven, !cluster.isEmpty {
      throw ValidationError("--cluster: expected nothing with --kubeconfig or --in-cluster, which know the cluster")
    }
    if cluster.isEmpty, !traffic.traffic.isEmpty, !api.isGiven {
      throw ValidationError("--traffic: expected --cluster with it, or a cluster to follow")
    }
    if traffic.traffic.isEmpty, !cluster.isEmpty, plan == nil {
      throw ValidationError("--cluster: expected --traffic with it")
    }
    if prometheus.prometheus != nil, !api.isGiven {
      throw ValidationError("--prometheus: expected a cluster to follow: --kubeconfig or --in-cluster")
    }
    if tls.files == nil, !listen.isLocal, !insecure {
      throw ValidationError(
        """
        --listen \(listen): others on the network could ask and bind. Expected --tls-cert and --tls-key (and --client-ca, to \
        know who asks), an address on this machine, or --insecure
        """)
    }
    if !prefix.isEmpty, !prefix.hasPrefix("/") {
      throw ValidationError("--prefix: expected a path that begins with '/'")
    }
  }

  func run() async throws {
    let logger = log.logger("tonari.extender")
    if tls.files?.clientAuthority == nil, !listen.isLocal {
      logger.warning("Whoever reaches the port may ask, and bind pods", metadata: ["address": "\(listen)"])
    }
    let state = try await state()
    let cluster = try api.configuration().map { configuration in
      ClusterAPI(APIClient(configuration, fieldManager: "tonari-extender", logger: logger), logger: logger)
    }
    let registry = MetricsRegistry()
    let webhook = SchedulerWebhook(state, cluster: cluster, metrics: registry, logger: logger)
    var health: [any HealthSource] = []
    var services: [any ServiceLifecycle.Service] = []
    if let plan {
      let file = try PlanFile(plan, webhook)
      health.append(file)
      services.append(file)
    }
    if let cluster {
      let feed = ClusterFeed(cluster, webhook, readsPlans: plan == nil)
      health += feed.health
      services.append(feed)
      if let traffic = try await watchedTraffic(cluster, webhook, registry, logger) {
        health += traffic.health
        services.append(traffic)
      }
    } else {
      logger.notice("There is no cluster: /bind counts replicas and binds nothing")
    }

    var configuration = ExtenderServer.Configuration(host: listen.host, port: listen.port, prefix: prefix)
    configuration.tls = tls.files
    configuration.servesHealth = http == nil
    let scheme = tls.files == nil ? "http" : "https"
    let server = ExtenderServer(
      configuration, webhook, health: health, services: services,
      onListening: { [logger, host = listen.host, prefix] port in
        logger.notice("Listening", metadata: ["url": "\(scheme)://\(ListenAddress(host: host, port: port))\(prefix)"])
      })
    let monitoring = http.map { address in
      MonitoringServer(
        host: address.host, port: address.port, routes: ExtenderServer.healthRoutes(webhook, health), logger: logger,
        onListening: { [logger] port in
          logger.notice(
            "Serving /readyz and /metrics", metadata: ["address": "\(ListenAddress(host: address.host, port: port))"])
        })
    }
    try await ending.daemon(monitoring, [server.application()], logger).run()
  }

  /// Who talks to whom in the cluster that is followed; nil where nobody says so.
  private func watchedTraffic(
    _ cluster: ClusterAPI, _ webhook: SchedulerWebhook, _ registry: MetricsRegistry, _ logger: Logger
  ) async throws -> WatchedTraffic? {
    guard prometheus.prometheus != nil || traffic.files != nil else { return nil }
    let traffic = traffic
    let map = try await onWorkerThread {
      // What cannot be read at the start is an error of the command line.
      _ = try traffic.files?.read()
      return try traffic.readMap()
    }
    let feed = TrafficFeed(
      prometheus: prometheus.source, files: traffic.files, interval: interval ?? .seconds(60), isOptional: true,
      registry: registry, logger: logger)
    return WatchedTraffic(cluster, feed, map: map, webhook)
  }

  /// What the files tell of nodes and traffic.
  private func state() async throws -> ExtenderState {
    var state = ExtenderState(isEnforcing: enforce, bindingExpiry: api.isGiven ? .seconds(60) : nil)
    guard !cluster.isEmpty else { return state }
    var input = try InputOptions.parse(["--cluster"] + cluster)
    input.traffic = traffic
    state.set(try await input.read(ProgressDisplay(.none)))
    return state
  }
}
