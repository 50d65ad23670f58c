import ArgumentParser
import Model
import Selection
import SelectorServer

/// What can be said of a selector, on the command line or in its configuration file.
struct SelectorOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Listen for framed connections here; several may be given.",
      discussion: """
        unix:/path/of/socket, tls:host:port, or tcp:host:port without TLS; port 0 is any that is free.
        """, valueName: "address"),
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
      "The permissions of Unix sockets, such as 0666 where sidecars run as other users. (default: as the umask has it)",
      valueName: "mode"),
    transform: { text in
      guard let mode = UInt32(text, radix: 8), mode <= 0o777 else {
        throw ValidationError("'\(text)': expected permissions in octal, such as 0660")
      }
      return mode
    }
  )
  var socketMode: UInt32?

  @Option(
    help: ArgumentHelp("Serve /livez, /readyz and /metrics here. (default: 127.0.0.1:8890)", valueName: "host:port"),
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
      "How replicas are picked: \(PolicyName.allCases.map(\.rawValue).joined(separator: ", ")). (default: tonari)",
      valueName: "policy"),
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
      "The same for picks by a gRPC call of their own, whose asker may never have heard the answer. (default: 10s)",
      valueName: "duration"),
    transform: Duration.argument
  )
  var unaryPickLifetime: Duration?

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
  @OptionGroup(title: "Who may do what") var access: AccessOptions
  @OptionGroup(title: "TLS of framed connections, gRPC and picker") var tls: TLSOptions
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
    if tls.files != nil, !(grpc + picker).contains(where: { !$0.isLocal }), !framed.contains(where: \.isSecured) {
      throw ValidationError("--tls-cert: expected --framed tls:host:port, or --grpc or --picker host:port with it")
    }
    if tls.files == nil, let address = framed.first(where: \.isSecured) {
      throw ValidationError("--framed \(address): expected --tls-cert and --tls-key with it")
    }
    if let listener = plainListeners.first, !access.insecure {
      throw ValidationError(
        """
        \(listener): others on the network could read and forge what is said there. Expected --tls-cert and --tls-key (and \
        --client-ca or --review-tokens, to know who calls), an address on this machine, or --insecure
        """)
    }
    if access.reviewTokens, !api.isGiven {
      throw ValidationError("--review-tokens: expected a cluster to ask: --kubeconfig or --in-cluster")
    }
  }
}

extension SelectorOptions {
  /// Listeners that others than this machine reach without TLS, as options.
  var plainListeners: [String] {
    let framed = framed.filter { !$0.isSecured && ListenAddress.isOnNetwork($0.host) }.map { "--framed \($0)" }
    guard tls.files == nil else { return framed }
    return framed + grpc.filter { ListenAddress.isOnNetwork($0.host) }.map { "--grpc \($0)" }
      + picker.filter { ListenAddress.isOnNetwork($0.host) }.map { "--picker \($0)" }
  }
}

/// Who may do what.
struct AccessOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Allow something to somebody; several may be given, and one that allows is enough.",
      discussion: """
        Without, those on this machine (Unix sockets, loopback) and those that prove who they are may pick, complete their \
        own picks and ask for endpoints, as if by pick=local, pick=proven, endpoints=local and endpoints=proven.

        CAPABILITY
        \(Capability.allCases.map { "  \($0.rawValue): \($0.summary)" }.joined(separator: "\n"))

        IDENTITY
          local: whoever reaches a Unix socket, or a port from this machine; let the socket's permissions (--socket-mode) say who
          anyone: everybody
          proven: any of the following
          pod:NAMESPACE/NAME: by the socket that the pod alone has
          serviceaccount:NAMESPACE/NAME: by a token (--review-tokens), or of a pod
          spiffe://DOMAIN/PATH, dns:NAME: by a name in a client certificate (--client-ca)
        * stands for any characters but /, of DNS names but the dot; ** for any.

        @SERVICES after it says of which services: shop/*. Without, who is proven registers for those of its own namespace, \
        and a peer says nothing of what is registered with it.

        register=spiffe://cluster.local/ns/shop/sa/*, exchange=dns:tonari-selector.tonari.svc, register=serviceaccount:shop/cart,
        register=pod:shop/*, report=serviceaccount:ops/prober@**, register=local
        """, valueName: "capability=identity[@services]"),
    transform: { text in
      do { return try AccessRule(text) } catch { throw ValidationError("--allow: \(error)") }
    }
  )
  var allow: [AccessRule] = []

  @Flag(
    help:
      "Know callers by gRPC by Kubernetes tokens with audience \(TokenReviewer.audience), which the cluster's API server reviews."
  )
  var reviewTokens = false

  @Flag(help: "Listen without TLS where others on the network can read and forge what is said. For tests.")
  var insecure = false

  /// Who may do what.
  var policy: AccessPolicy { AccessPolicy(adding: allow) }
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

  @Option(
    help: ArgumentHelp(
      "The name that the peers' certificates must have. (default: the one of --peer)", valueName: "name"))
  var peerServerName: String?

  @Option(
    help: ArgumentHelp(
      "Prove to the peers who this is with the token in this file, which is read anew for each connection.",
      discussion: "A projected service account token with audience \(TokenReviewer.audience); needs --peer-ca.",
      valueName: "file"), completion: .file())
  var peerTokenFile: String?

  @Option(help: ArgumentHelp("Its name among its peers. (default: host name and process)", valueName: "name"))
  var name: String?

  func validate() throws {
    if peer.isEmpty, peerCa != nil { throw ValidationError("--peer-ca: expected --peer with it") }
    if peerCa == nil, peerTokenFile != nil || peerServerName != nil {
      throw ValidationError("--peer-token-file, --peer-server-name: expected --peer-ca with them")
    }
  }

  /// The peers.
  func targets(_ tls: TLSOptions) -> [SelectorTarget] {
    peer.map { address in
      let security = peerCa.map { authority in
        SelectorTarget.Security(authority: authority, certificate: tls.tlsCert, key: tls.tlsKey)
      }
      return SelectorTarget(
        host: address.host, port: address.port, serverName: peerServerName, security: security,
        tokenFile: peerTokenFile)
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

  @Flag(
    help: ArgumentHelp(
      "Ask all replicas for their load by ORCA (xds.service.orca.v3.OpenRcaService), each on a stream.",
      discussion: "Those that Kubernetes or --replicas names; others only in --orca-range."))
  var orca = false

  @Option(
    help: ArgumentHelp("Ask the replicas of this service by ORCA; several may be given.", valueName: "service"))
  var orcaService: [String] = []

  @Option(
    help: ArgumentHelp(
      "Ask replicas that registered themselves too, at addresses of this range; several may be given.",
      valueName: "cidr"),
    transform: { text in
      guard let range = AddressRange(text) else {
        throw ValidationError("--orca-range '\(text)': expected a range of addresses, such as 10.0.0.0/8")
      }
      return range
    })
  var orcaRange: [AddressRange] = []

  @Option(help: ArgumentHelp("The port to ask them at. (default: where they serve)", valueName: "port"))
  var orcaPort: UInt16?

  @Option(
    help: ArgumentHelp("The time between two reports of a replica. (default: 1s)", valueName: "duration"),
    transform: Duration.argument
  )
  var orcaInterval: Duration?

  func validate() throws {
    _ = try queries()
    if !orca, orcaService.isEmpty, orcaPort != nil || orcaInterval != nil || !orcaRange.isEmpty {
      throw ValidationError("--orca-port, --orca-interval, --orca-range: expected --orca or --orca-service with them")
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
      services: Set(orcaService), ranges: orcaRange, port: orcaPort.map(Int.init), interval: orcaInterval ?? .seconds(1)
    )
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
