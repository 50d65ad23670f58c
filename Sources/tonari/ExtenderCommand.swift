import ArgumentParser
import Extender
import Foundation
import Hummingbird
import Kubernetes
import Logging
import Placement
import Planning
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
    help: ArgumentHelp("Where to listen; port 0 is any that is free.", valueName: "host:port"),
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

  @Option(
    name: .shortAndLong,
    parsing: .upToNextOption,
    help: ArgumentHelp("Dumps of who talks to whom, as for 'plan'.", valueName: "file"),
    completion: .file()
  )
  var traffic: [String] = []

  @Option(
    help: ArgumentHelp("Follow the cluster of this kubeconfig.", valueName: "file"),
    completion: .file()
  )
  var kubeconfig: String?

  @Option(help: ArgumentHelp("The kubeconfig's context, instead of its current one.", valueName: "name"))
  var context: String?

  @Flag(help: "Follow the cluster that this process is a pod of.")
  var inCluster = false

  @Option(help: ArgumentHelp("The path that filter, prioritize, preempt and bind are under.", valueName: "path"))
  var prefix = "/scheduler"

  @Flag(help: "Let pods of planned workloads run on the plan's nodes only, even if they have to wait.")
  var enforce = false

  @OptionGroup(title: "TLS") var tls: TLSOptions

  @Option(
    help: ArgumentHelp(
      "What is logged: \(Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "level"),
    completion: .list(Logger.Level.allCases.map(\.rawValue)),
    transform: { text in
      guard let level = Logger.Level(rawValue: text) else {
        throw ValidationError(
          "'\(text)': expected one of \(Logger.Level.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      return level
    }
  )
  var logLevel = Logger.Level.info

  func validate() throws {
    if plan == "-" { throw ValidationError("--plan: the file is read again when it changes, expected a path") }
    if kubeconfig != nil, inCluster { throw ValidationError("--kubeconfig and --in-cluster: expected one of them") }
    if context != nil, kubeconfig == nil { throw ValidationError("--context: expected --kubeconfig with it") }
    if plan == nil, traffic.isEmpty, !followsCluster {
      throw ValidationError("expected --plan, --traffic, or a cluster to follow: --kubeconfig or --in-cluster")
    }
    if cluster.isEmpty, !traffic.isEmpty { throw ValidationError("--traffic: expected --cluster with it") }
    if traffic.isEmpty, !cluster.isEmpty, plan == nil { throw ValidationError("--cluster: expected --traffic with it") }
    if !prefix.isEmpty, !prefix.hasPrefix("/") {
      throw ValidationError("--prefix: expected a path that begins with '/'")
    }
  }

  func run() async throws {
    var logger = Logger(label: "tonari.extender") { StreamLogHandler.standardError(label: $0) }
    logger.logLevel = logLevel
    let command = self
    let state = try await onWorkerThread { try command.state() }
    let cluster = try clusterConfiguration().map { configuration in
      ClusterAPI(APIClient(configuration, fieldManager: "tonari-extender", logger: logger), logger: logger)
    }
    let webhook = SchedulerWebhook(state, cluster: cluster, logger: logger)
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
    } else {
      logger.notice("There is no cluster: /bind counts replicas and binds nothing")
    }

    var configuration = ExtenderServer.Configuration(host: listen.host, port: listen.port, prefix: prefix)
    configuration.tls = tls.files
    let scheme = tls.files == nil ? "http" : "https"
    let server = ExtenderServer(
      configuration, webhook, health: health, services: services,
      onListening: { [logger, host = listen.host, prefix] port in
        logger.notice("Listening", metadata: ["url": "\(scheme)://\(ListenAddress(host: host, port: port))\(prefix)"])
      })
    try await server.application().runService()
  }

  private var followsCluster: Bool { kubeconfig != nil || inCluster }

  private func clusterConfiguration() throws -> ClientConfiguration? {
    if let kubeconfig { return try .load(kubeconfig: kubeconfig, context: context) }
    return inCluster ? try .inCluster() : nil
  }

  /// What the files tell of nodes and traffic. Blocks.
  private func state() throws -> ExtenderState {
    var state = ExtenderState(isEnforcing: enforce, bindingExpiry: followsCluster ? .seconds(60) : nil)
    guard !cluster.isEmpty else { return state }
    let arguments = ["--cluster"] + cluster + (traffic.isEmpty ? [] : ["--traffic"] + traffic)
    let input = try InputOptions.parse(arguments).read(ProgressDisplay(.none))
    state.set(input)
    return state
  }
}

/// An address to listen on.
struct ListenAddress: CustomStringConvertible {
  var host: String
  var port: Int

  var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

  init(host: String, port: Int) {
    self.host = host
    self.port = port
  }

  /// Reads `host:port`, `[ipv6]:port` or `:port`, which is all addresses.
  init(_ text: String) throws {
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
      throw ValidationError("'\(text)': expected host:port, such as 127.0.0.1:8888")
    }
    var host = text[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
    self.init(host: host.isEmpty ? "0.0.0.0" : String(host), port: Int(port))
  }
}

/// Certificates of a server.
struct TLSOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("The server's certificate chain, as PEM; read again when it changes.", valueName: "file"),
    completion: .file()
  )
  var tlsCert: String?

  @Option(help: ArgumentHelp("Its private key, as PEM.", valueName: "file"), completion: .file())
  var tlsKey: String?

  @Option(
    help: ArgumentHelp("Take only clients whose certificates come from these authorities, as PEM.", valueName: "file"),
    completion: .file()
  )
  var clientCa: String?

  func validate() throws {
    if (tlsCert == nil) != (tlsKey == nil) { throw ValidationError("--tls-cert and --tls-key: expected both or none") }
    if clientCa != nil, tlsCert == nil {
      throw ValidationError("--client-ca: expected --tls-cert and --tls-key with it")
    }
  }

  /// The files; nil for plain HTTP.
  var files: TLSFiles? {
    guard let tlsCert, let tlsKey else { return nil }
    return TLSFiles(certificate: tlsCert, key: tlsKey, clientAuthority: clientCa)
  }
}
