import ArgumentParser
import Daemon
import Foundation
import Kubernetes
import Logging
import Planner

extension PlanCommand {
  /// Refuses what a plan that is kept up to date has no use for.
  func validateWatching() throws {
    guard input.api.isGiven else {
      throw ValidationError("--watch: expected a cluster to follow: --kubeconfig or --in-cluster")
    }
    if input.readsStandardInput {
      throw ValidationError("--watch: the files are read again when they change, expected paths")
    }
    try input.traffic.requireOneMatrix("--watch")
    if exportModel != nil || movesCurve || !output.isDefault {
      throw ValidationError(
        "--watch: the plan goes to the cluster; expected none of -o, --out, --report, --export-model, --moves-curve")
    }
  }

  /// Keeps the cluster's plan up to date until a signal comes.
  func keepUpToDate(_ api: ClientConfiguration) async throws {
    let logger = watching.log.logger("tonari.planner")
    let traffic = input.traffic
    let map = try await onWorkerThread {
      // What cannot be read at the start is an error of the command line.
      _ = try traffic.files?.read()
      return try traffic.readMap()
    }
    let identity = watching.identity ?? "\(ProcessInfo.processInfo.hostName)_\(UUID().uuidString)"
    var configuration = PlanController.Configuration(
      name: output.name,
      election: LeaderElector.Configuration(lease: watching.lease(in: api.namespace), identity: identity))
    configuration.options = input.problemOptions
    configuration.map = map
    configuration.weigh = { [objective] in objective.apply(to: &$0) }
    configuration.solver = search.solverOptions
    configuration.pacing = watching.pacing
    configuration.minimumGain = watching.minGain

    let registry = MetricsRegistry()
    let prometheus = input.prometheus.source
    let feed =
      prometheus == nil && traffic.files == nil
      ? nil
      : TrafficFeed(
        prometheus: prometheus, files: traffic.files, interval: watching.interval ?? .seconds(60), registry: registry,
        logger: logger)
    if feed == nil {
      logger.warning("There is no traffic, neither --prometheus nor --traffic: plans balance the nodes alone")
    }
    let controller = PlanController(
      configuration, client: APIClient(api, fieldManager: "tonari-planner", logger: logger), feed: feed,
      registry: registry, logger: logger)
    let routes = HealthRoutes(registry, controller.health, stalenessLabel: "tonari_planner_staleness_seconds")
    let host = watching.listen.host
    let server = MonitoringServer(
      host: host, port: watching.listen.port, routes: routes, logger: logger,
      onListening: { port in
        logger.notice("Listening", metadata: ["url": "http://\(ListenAddress(host: host, port: port))/readyz"])
      })
    try await watching.ending.daemon(server, [controller], logger).run()
  }
}
