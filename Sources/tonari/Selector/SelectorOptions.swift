import ArgumentParser
import Dispatching
import SelectorIntake
import SelectorServer
import Topology

/// What can be said of a selector, on the command line or in its configuration file.
struct SelectorOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Listen for framed connections here; several may be given.",
      discussion: "unix:/path/of/socket or tcp:host:port; port 0 is any that is free.", valueName: "address"),
    transform: { text in
      do { return try FramedAddress(text) } catch { throw ValidationError("\(error)") }
    }
  )
  var framed: [FramedAddress] = []

  @Option(
    help: ArgumentHelp(
      "Listen for gRPC here: clients, and Envoys that want endpoints and say their load; several may be given.",
      discussion: "host:port, or unix:/path/of/socket for those on this machine, without TLS.", valueName: "address"),
    transform: SelectorGRPCServer.Address.argument
  )
  var grpc: [SelectorGRPCServer.Address] = []

  @Option(
    help: ArgumentHelp(
      "Pick for each request of Envoys here (external processing); several may be given.",
      discussion: "host:port, or unix:/path/of/socket for those on this machine, without TLS.", valueName: "address"),
    transform: SelectorGRPCServer.Address.argument
  )
  var picker: [SelectorGRPCServer.Address] = []

  @Option(
    help: ArgumentHelp(
      "Serve each pod of this node on sockets of its own, in the folder that tonari csi-driver shows.",
      discussion: """
        A pod's volume of csi.tonari.dev then has selector.sock (framed), picker.sock and grpc.sock, for that pod alone.
        """, valueName: "folder"),
    completion: .directory
  )
  var podSockets: String?

  @Option(help: ArgumentHelp("The most pods with sockets of their own.", valueName: "count"))
  var maxPods = 1000

  @Option(
    help: ArgumentHelp("The service of Envoys' requests that do not tell theirs.", valueName: "name"))
  var pickerService: String?

  @Option(
    help: ArgumentHelp(
      "The permissions of Unix sockets, such as 0666 where sidecars run as other users.", valueName: "mode"),
    transform: { text in
      guard let mode = UInt32(text, radix: 8), mode <= 0o777 else {
        throw ValidationError("'\(text)': expected permissions in octal, such as 0660")
      }
      return mode
    }
  )
  var socketMode: UInt32?

  @Option(
    help: ArgumentHelp("Serve /livez, /readyz and /metrics here.", valueName: "host:port"),
    transform: ListenAddress.init
  )
  var http = ListenAddress(host: "127.0.0.1", port: 8890)

  @Option(
    help: ArgumentHelp("The replicas of services, as YAML; read again when it changes.", valueName: "file"),
    completion: .file(extensions: ["yaml", "json"])
  )
  var replicas: String?

  @OptionGroup(title: "The cluster to follow") var api: ClusterAPIOptions

  @Option(help: ArgumentHelp("Follow the services of this namespace alone.", valueName: "name"))
  var namespace: String?

  @Option(
    help: ArgumentHelp(
      "How replicas are picked: \(PolicyName.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "policy"),
    completion: .list(PolicyName.allCases.map(\.rawValue)),
    transform: { text in
      guard let policy = PolicyName(rawValue: text) else {
        throw ValidationError(
          "'\(text)': expected one of \(PolicyName.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      return policy
    }
  )
  var policy = PolicyName.tonari

  @Option(
    help: ArgumentHelp(
      "After what time a pick that nobody completed counts as cancelled. (default: 60s)", valueName: "duration"),
    transform: Duration.argument
  )
  var pickLifetime: Duration?

  @Option(
    help: ArgumentHelp(
      "Turn requests away (HTTP 429) from so many in flight for each replica on, on average. (default: never)",
      valueName: "count"),
    transform: { text in
      do throws(OutOfBounds) {
        return try Bounds.concurrency.checked(text)
      } catch {
        throw ValidationError("\(error)")
      }
    }
  )
  var mostInFlight: Int?

  @OptionGroup(title: "Overflow to other clusters") var overflow: SelectorOverflowOptions
  @OptionGroup(title: "What overflow policies may ask for") var rules: PolicyRuleOptions
  @OptionGroup(title: "Where it is") var place: SelectorPlaceOptions
  @OptionGroup(title: "Peers") var peers: PeerOptions
  @OptionGroup(title: "Load") var load: LoadOptions
  @OptionGroup(title: "Messages of other clusters and replicas") var messages: BrokerOptions
  @OptionGroup(title: "TLS of gRPC and picker") var tls: TLSOptions
  @OptionGroup(title: "Overload") var overload: OverloadOptions
  @OptionGroup var ending: DaemonOptions
  @OptionGroup var log: LogOptions

  func validate() throws {
    if framed.isEmpty, grpc.isEmpty, picker.isEmpty, podSockets == nil {
      throw ValidationError("expected --framed, --grpc, --picker or --pod-sockets: where to be asked")
    }
    guard (1...100_000).contains(maxPods) else {
      throw ValidationError("--max-pods \(maxPods): expected 1 to 100000")
    }
    if namespace != nil, !api.isGiven {
      throw ValidationError("--namespace: expected a cluster to follow: --kubeconfig or --in-cluster")
    }
    if overflow.isGiven, place.clusterName?.isEmpty ?? true {
      throw ValidationError("--overflow, --overflow-policies: expected --cluster-name with them")
    }
    if overflow.overflowPolicies, !api.isGiven {
      throw ValidationError("--overflow-policies: expected a cluster to follow: --kubeconfig or --in-cluster")
    }
    if !overflow.overflowPolicies, !rules.allowHost.isEmpty || !rules.allowQueries.isEmpty {
      throw ValidationError("--allow-host, --allow-queries: expected --overflow-policies with them")
    }
    if tls.files != nil, !(grpc + picker).contains(where: { !$0.isLocal }) {
      throw ValidationError("--tls-cert: expected --grpc or --picker host:port with it")
    }
  }
}

/// Where a selector is, and with it those who do not say where they ask from.
struct SelectorPlaceOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The node that it serves, where it serves one.", valueName: "name"))
  var node: String?

  @Option(help: ArgumentHelp("The zone that it serves.", valueName: "name"))
  var zone: String?

  @Option(help: ArgumentHelp("The name of its cluster, for replicas that Kubernetes tells of.", valueName: "name"))
  var clusterName: String?
}

/// What becomes of requests that are too many for the cluster.
struct SelectorOverflowOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Send what is too many for the cluster to others, as the policies in this file say; read again when it changes.",
      discussion: """
        Objects OverflowPolicy (tonari.dev/v1alpha1) with mode perRequest. With --mqtt, clusters tell each other what \
        room they have, under tonari/headroom/<cluster>/<namespace>/<service>.
        """,
      valueName: "file"),
    completion: .file(extensions: ["yaml", "json"])
  )
  var overflow: String?

  @Flag(help: "The same, as the OverflowPolicy objects of the cluster to follow say.")
  var overflowPolicies = false

  /// Whether there are policies.
  var isGiven: Bool { overflow != nil || overflowPolicies }

  func validate() throws {
    if overflow != nil, overflowPolicies {
      throw ValidationError("--overflow, --overflow-policies: expected one of them")
    }
  }
}

/// Other selectors for the same services.
struct PeerOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Exchange what was dispatched with the selector, or the selectors, of this name and gRPC port.",
      valueName: "host:port"),
    transform: ListenAddress.init
  )
  var peer: [ListenAddress] = []

  @Option(
    help: ArgumentHelp("The authorities that vouch for the peers, as PEM; without, plain HTTP/2.", valueName: "file"),
    completion: .file()
  )
  var peerCa: String?

  @Option(help: ArgumentHelp("Its name among its peers. (default: host name and process)", valueName: "name"))
  var name: String?

  func validate() throws {
    if peer.isEmpty, peerCa != nil { throw ValidationError("--peer-ca: expected --peer with it") }
  }

  /// The peers.
  func targets(_ tls: TLSOptions) -> [SelectorTarget] {
    peer.map { address in
      let security = peerCa.map { authority in
        SelectorTarget.Security(authority: authority, certificate: tls.tlsCert, key: tls.tlsKey)
      }
      return SelectorTarget(host: address.host, port: address.port, security: security)
    }
  }
}

/// Who says how loaded replicas are, besides those who ask.
struct LoadOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Read the statistics of this Envoy's hosts from its admin interface; several may be given.", valueName: "url")
  )
  var envoy: [String] = []

  @Option(help: ArgumentHelp("Ask this Prometheus for the load of replicas.", valueName: "url"))
  var prometheus: String?

  @Option(
    help: ArgumentHelp(
      "What to ask it: a figure and PromQL; several may be given.",
      discussion: """
        'in-flight=sum by (instance) (http_inflight)'; figures: \
        \(LoadQueries.Figure.allCases.map(\.rawValue).joined(separator: ", ")) (seconds for latency, a share for cpu)
        """,
      valueName: "figure=query")
  )
  var loadQuery: [String] = []

  @Option(help: ArgumentHelp("The label that holds a replica's host:port in its answers.", valueName: "name"))
  var addressLabel = "instance"

  @Option(
    help: ArgumentHelp("The time between two looks at Envoys and Prometheus. (default: 1s)", valueName: "duration"),
    transform: Duration.argument
  )
  var loadInterval: Duration?

  @Option(help: ArgumentHelp("The first levels of the MQTT topics of load.", valueName: "topic"))
  var mqttPrefix = "tonari/load"

  @Flag(help: "Ask all replicas for their load by ORCA (xds.service.orca.v3.OpenRcaService), each on a stream.")
  var orca = false

  @Option(
    help: ArgumentHelp("Ask the replicas of this service by ORCA; several may be given.", valueName: "service"))
  var orcaService: [String] = []

  @Option(help: ArgumentHelp("The port to ask them at. (default: where they serve)", valueName: "port"))
  var orcaPort: UInt16?

  @Option(
    help: ArgumentHelp("The time between two reports of a replica. (default: 1s)", valueName: "duration"),
    transform: Duration.argument
  )
  var orcaInterval: Duration?

  func validate() throws {
    _ = try queries()
    if !orca, orcaService.isEmpty, orcaPort != nil || orcaInterval != nil {
      throw ValidationError("--orca-port, --orca-interval: expected --orca or --orca-service with them")
    }
    if orca, !orcaService.isEmpty { throw ValidationError("--orca, --orca-service: expected one of them") }
    if orcaPort == 0 { throw ValidationError("--orca-port 0: expected a port from 1 to 65535") }
    if (prometheus == nil) != loadQuery.isEmpty {
      throw ValidationError("--prometheus and --load-query: expected both or none")
    }
  }

  /// What Prometheus is asked for.
  func queries() throws -> LoadQueries {
    var queries: [LoadQueries.Figure: String] = [:]
    for text in loadQuery {
      let parts = text.split(separator: "=", maxSplits: 1)
      guard parts.count == 2, let figure = LoadQueries.Figure(rawValue: String(parts[0])) else {
        let figures = LoadQueries.Figure.allCases.map(\.rawValue).joined(separator: ", ")
        throw ValidationError("--load-query '\(text)': expected figure=query, with a figure of \(figures)")
      }
      guard queries.updateValue(String(parts[1]), forKey: figure) == nil else {
        throw ValidationError("--load-query: found \(figure.rawValue) twice, expected it once")
      }
    }
    return LoadQueries(queries, addressLabel: addressLabel)
  }

  /// Which replicas are asked by ORCA; nil for none.
  var orcaReplicas: OrcaConfiguration? {
    guard orca || !orcaService.isEmpty else { return nil }
    return OrcaConfiguration(
      services: Set(orcaService), port: orcaPort.map(Int.init), interval: orcaInterval ?? .seconds(1))
  }
}

extension SelectorGRPCServer.Address {
  /// Reads `host:port` or `unix:/path/of/socket`.
  static func argument(_ text: String) throws -> SelectorGRPCServer.Address {
    do {
      if text.hasPrefix("unix:") { return .unix(path: try FramedAddress(text).path ?? "") }
    } catch {
      throw ValidationError("\(error)")
    }
    let address = try ListenAddress(text)
    return .host(address.host, port: address.port)
  }
}
