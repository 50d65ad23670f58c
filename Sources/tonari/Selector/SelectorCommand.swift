import ArgumentParser
import Connections
import Daemon
import Fleet
import Formats
import Foundation
import Kubernetes
import Logging
import Selection
import SelectorServer
import ServiceLifecycle

/// Answers which replica gets a request.
struct SelectorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "selector",
    abstract: "Say for each request which replica gets it.",
    discussion: """
      Sidecars and clients ask before each request and say how it ended; the selector knows what is in flight and how \
      fast replicas are, and names the one that will answer soonest, near to who asks where there is room. Replicas come \
      from a file, from Kubernetes, or register themselves.

      Several selectors side by side tell each other what they dispatched (--peer). /readyz and /metrics are served by \
      HTTP. On SIGTERM what was asked is answered before it ends. Files are read again when they change, and on SIGHUP.

      EXAMPLES
        On a Unix socket, with replicas from a file:
          tonari selector --framed unix:/run/tonari/selector.sock --replicas replicas.yaml

        On each node of a cluster, for the sidecars there:
          tonari selector --framed unix:/run/tonari/selector.sock --in-cluster --node "$NODE_NAME"

        Each pod of a node on sockets of its own, as manifests/selector has it:
          tonari selector --pod-sockets /run/tonari --in-cluster --node "$NODE_NAME"

        For unmodified Envoys, as manifests/envoy/picker.yaml has them:
          tonari selector --picker unix:/run/tonari/picker.sock --grpc unix:/run/tonari/grpc.sock --in-cluster

        Three behind one Service, by gRPC:
          tonari selector --grpc 0.0.0.0:9443 --tls-cert tls.crt --tls-key tls.key --client-ca ca.crt --in-cluster \\
            --peer tonari-selector-peers.tonari.svc:9443 --peer-ca ca.crt \\
            --allow exchange=dns:tonari-selector-peers.tonari.svc

        Where replicas register themselves, on this machine and by their certificates:
          tonari selector --framed unix:/run/tonari/selector.sock --allow register=local --framed tls:0.0.0.0:9444 \\
            --tls-cert tls.crt --tls-key tls.key --client-ca ca.crt \\
            --allow "register=spiffe://cluster.local/ns/shop/sa/*"

        On an edge that sends what is too many for it next door, as the policies in a file say:
          tonari selector --picker unix:/run/tonari/picker.sock --in-cluster --cluster-name edge-a \\
            --overflow policies.yaml --mqtt broker.example:1883

        The same in a file, whose fields are the options' names:
          tonari selector --config selector.yaml

        Look on, at a selector with --allow watch=local:
          tonari top 127.0.0.1:9443

      Without --allow, callers may pick and no more: --allow's own help tells who may be allowed what.

      A FILE OF REPLICAS
        services:
        - name: shop/cart
          replicas:
          - {address: "10.0.0.1:8080", node: node-1, zone: zone-a, concurrency: 8}
          - {address: "10.0.0.2:8080", node: node-2, zone: zone-b, weight: 2, labels: [version=2]}

      \(ExitStatus.help)
      """
  )

  // Put in place of before the command line is parsed; it is here for the help.
  @Option(
    help: ArgumentHelp(
      "Read options from a YAML file: their names as fields; a list where several may be given.", valueName: "file"),
    completion: .file(extensions: ["yaml", "json"])
  )
  var config: String?

  @OptionGroup var options: SelectorOptions

  func run() async throws {
    let logger = options.log.logger("tonari.selector")
    let name = options.peers.name ?? "\(ProcessInfo.processInfo.hostName)-\(ProcessInfo.processInfo.processIdentifier)"
    var settings = DispatcherOptions(policy: options.policy, seed: .random(in: 0 ... .max))
    settings.place = Place(
      node: options.place.node, zone: options.place.zone, cluster: options.place.clusterName)
    settings.mostInFlight = options.mostInFlight
    if let lifetime = options.pickLifetime { settings.pickLifetime = lifetime }
    if let lifetime = options.unaryPickLifetime { settings.unaryPickLifetime = lifetime }
    options.overload.apply(to: &settings)
    let dispatcher = Dispatcher(settings)
    for listener in options.plainListeners {
      logger.warning(
        "INSECURE: others on the network can read and forge what is said to this listener",
        metadata: ["listener": "\(listener)"])
    }

    options.messages.warn(logger)
    var health: [any HealthSource] = []
    var services: [any ServiceLifecycle.Service] = []
    let registry = MetricsRegistry()
    let feed = try addReplicas(to: dispatcher, &services, &health, registry, logger)
    try addOverflow(to: dispatcher, name: name, &services, &health, logger)
    try addLoad(to: dispatcher, &services, &health, registry, logger)
    if !options.peers.peer.isEmpty {
      let links = PeerLinks(
        options.peers.targets(options.tls), name: name, dispatcher, access: options.access.policy, logger: logger)
      services.append(links)
      health.append(links)
    }
    let framed = try addServers(for: dispatcher, name: name, feed, &services, &health, registry, logger)
    services.append(ExpirySweep(dispatcher: dispatcher))

    SelectorMetrics.register(
      in: registry, dispatcher, mostServices: options.overload.mostServicesInMetrics ?? 1000, framed: framed)
    let server = MonitoringServer(
      host: options.http.host, port: options.http.port,
      routes: HealthRoutes(registry, health, stalenessLabel: "tonari_selector_source_staleness_seconds"),
      logger: logger,
      onListening: { [logger, host = options.http.host] port in
        logger.notice("Serving /readyz and /metrics", metadata: ["address": "\(ListenAddress(host: host, port: port))"])
      })
    try await options.ending.daemon(server, services, logger).run()
  }

  private func addReplicas(
    to dispatcher: Dispatcher, _ services: inout [any ServiceLifecycle.Service], _ health: inout [any HealthSource],
    _ registry: MetricsRegistry, _ logger: Logger
  ) throws -> EndpointFeed? {
    if let path = options.replicas {
      let file = try ReplicaFile(path, dispatcher, logger: logger)
      services.append(file)
      health.append(file)
    }
    guard let configuration = try options.api.configuration() else { return nil }
    let client = APIClient(configuration, fieldManager: "tonari-selector", logger: logger)
    let feed = EndpointFeed(
      client, dispatcher, namespace: options.namespace, cluster: options.place.clusterName ?? "", logger: logger)
    feed.register(in: registry)
    services.append(feed)
    health += feed.health
    return feed
  }

  private func addOverflow(
    to dispatcher: Dispatcher, name: String, _ services: inout [any ServiceLifecycle.Service],
    _ health: inout [any HealthSource], _ logger: Logger
  ) throws {
    guard options.overflow.isGiven, let cluster = options.place.clusterName else { return }
    if let path = options.overflow.overflow {
      let file = try OverflowFile(path, cluster: cluster, dispatcher, logger: logger)
      services.append(file)
      health.append(file)
    } else if let configuration = try options.api.configuration() {
      let client = APIClient(configuration, fieldManager: "tonari-selector", logger: logger)
      let feed = OverflowFeed(
        client, dispatcher, namespace: options.namespace, cluster: cluster, rules: options.rules.rules, logger: logger)
      services.append(feed)
      health.append(feed.health)
    }
    guard let broker = options.messages.broker else { return }
    let exchange = try BrokerExchange(
      broker, cluster: cluster, authority: options.messages.authority(), logger: logger)
    services += [exchange, HeadroomSharing(exchange, dispatcher, name: name)]
    health.append(exchange)
  }

  private func addLoad(
    to dispatcher: Dispatcher, _ services: inout [any ServiceLifecycle.Service], _ health: inout [any HealthSource],
    _ registry: MetricsRegistry, _ logger: Logger
  ) throws {
    if !options.load.envoy.isEmpty || options.load.prometheus != nil {
      let feed = try StatisticsFeed(
        envoys: options.load.envoy, prometheus: options.load.prometheus, queries: options.load.queries(),
        interval: options.load.loadInterval ?? .seconds(1), dispatcher, logger: logger)
      services.append(feed)
      health.append(feed)
    }
    if let broker = options.messages.broker {
      let connection = try BrokerConnection(broker, logger: logger)
      _ = try MQTTFeed(
        on: connection, prefix: options.load.mqttPrefix, authority: options.messages.authority(), dispatcher,
        logger: logger)
      services.append(connection)
      health.append(connection)
    }
    if let replicas = options.load.orcaReplicas {
      let feed = OrcaFeed(replicas, dispatcher, logger: logger)
      feed.register(in: registry)
      services.append(feed)
      health.append(feed)
    }
  }

  private func addServers(
    for dispatcher: Dispatcher, name: String, _ feed: EndpointFeed?, _ services: inout [any ServiceLifecycle.Service],
    _ health: inout [any HealthSource], _ registry: MetricsRegistry, _ logger: Logger
  ) throws -> @Sendable () -> FramedStatistics? {
    let known = health
    let discovery = EndpointDiscovery(
      dispatcher, isReady: { known.allSatisfy { $0.report().isReady } }, logger: logger)
    let loads = LoadReportingService(dispatcher)
    let (board, ledger) = (options.overload.board(dispatcher), options.overload.ledger())
    registry.watch(board.budget, of: "selector")
    registry.watch(ledger, of: "selector", listener: "all")
    if !options.grpc.isEmpty || options.podSockets != nil {
      discovery.register(in: registry)
      services.append(discovery)
      loads.register(in: registry)
    }
    let access = options.access.policy
    let tokens = try tokenReviewer(logger)
    let grpc = { @Sendable (configuration: SelectorGRPCServer.Configuration) in
      SelectorGRPCServer(
        configuration, SelectorMessages(dispatcher), name: name, board: board, ledger: ledger,
        services: [discovery, loads],
        capabilities: EndpointDiscovery.capabilities.merging(LoadReportingService.capabilities) { one, _ in one },
        tokens: tokens, health: known,
        logger: logger)
    }
    for address in options.grpc {
      var configuration = SelectorGRPCServer.Configuration(address, tls: address.isLocal ? nil : options.tls.files)
      configuration.socketMode = options.socketMode
      configuration.access = access
      services.append(grpc(configuration))
    }
    let limits = PickerLimits(connections: ledger)
    if !options.picker.isEmpty || options.podSockets != nil {
      registry.watch(limits.streams, of: "selector")
      registry.watch(limits.bytes, of: "selector")
    }
    if !options.picker.isEmpty {
      services.append(
        PickerServer(
          dispatcher, addresses: options.picker, socketMode: options.socketMode, tls: options.tls.files,
          access: access, usualService: options.pickerService, health: known, limits: limits, logger: logger))
    }
    guard !options.framed.isEmpty || options.podSockets != nil else { return { nil } }
    let framedOptions = FramedOptions(socketMode: options.socketMode, access: access)
    let tell: @Sendable ([FramedAddress]) -> Void = { addresses in
      for address in addresses { logger.notice("Serving framed connections", metadata: ["address": "\(address)"]) }
    }
    let (secured, plain) = (options.framed.filter(\.isSecured), options.framed.filter { !$0.isSecured })
    var statistics: [@Sendable () -> FramedStatistics] = []
    if !plain.isEmpty || options.podSockets != nil {
      let framed = try FramedServer(
        dispatcher, addresses: plain, options: framedOptions, board: board, ledger: ledger, logger: logger,
        onListening: tell)
      framed.register(in: registry)
      services.append(framed)
      statistics.append { framed.statistics }
      if let folder = options.podSockets {
        let pods = PodSockets(folder, options: .init(mostPods: options.maxPods), logger: logger) {
          [usual = options.pickerService, place = options.place] identity, folder in
          let pod = NodePod(identity) {
            NodePod.Facts(
              addresses: feed?.addresses(of: identity), node: place.node,
              zone: place.zone ?? place.node.flatMap { feed?.zone(of: $0) }, cluster: place.clusterName)
          }
          var configuration = SelectorGRPCServer.Configuration(.unix(path: "\(folder)/\(PodFolders.grpc)"))
          configuration.socketMode = PodSockets.socketMode
          configuration.pod = pod
          configuration.access = access
          let picker = PickerServer(
            dispatcher, addresses: [.unix(path: "\(folder)/\(PodFolders.picker)")], socketMode: PodSockets.socketMode,
            access: access, usualService: usual, health: known, limits: limits, pod: pod, logger: logger)
          try await withThrowingTaskGroup(of: Void.self) { [configuration] group in
            group.addTask {
              try await framed.serve(
                path: "\(folder)/\(PodFolders.framed)", mode: PodSockets.socketMode, for: pod)
            }
            group.addTask { try await picker.run() }
            group.addTask { try await grpc(configuration).run() }
            defer { group.cancelAll() }
            for try await _ in group {}
          }
        }
        pods.register(in: registry)
        services.append(pods)
        health.append(pods)
      }
    }
    if let files = options.tls.files, !secured.isEmpty {
      let framed = FramedTLSServer(
        dispatcher, addresses: secured, tls: files, options: framedOptions, board: board, ledger: ledger,
        logger: logger, onListening: tell)
      framed.register(in: registry)
      services.append(framed)
      statistics.append { framed.statistics }
    }
    return { [statistics] in statistics.reduce(into: FramedStatistics()) { $0.add($1()) } }
  }

  private func tokenReviewer(_ logger: Logger) throws -> TokenReviewer? {
    guard options.access.reviewTokens, let configuration = try options.api.configuration() else { return nil }
    return TokenReviewer(
      APIClient(
        configuration, fieldManager: "tonari-selector", retries: .never, timeout: .seconds(5), logger: logger))
  }
}

/// Lets go of what was not completed or registered again in time.
private struct ExpirySweep: ServiceLifecycle.Service {
  let dispatcher: Dispatcher

  func run() async throws {
    try? await cancelWhenGracefulShutdown {
      while true {
        try await Task.sleep(for: .milliseconds(200))
        dispatcher.expire(at: .now)
      }
    }
  }
}
