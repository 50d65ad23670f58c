/// The labels of one series that say whose traffic it is.
struct SeriesLabels {
  var metric: String?
  var reporter: String?
  var sourceWorkload: String?
  var sourceNamespace: String?
  var destinationWorkload: String?
  var destinationNamespace: String?
  var destinationService: String?
  var destinationServiceName: String?
  var destinationServiceNamespace: String?
  var sourceCluster: String?
  var destinationCluster: String?
  /// The cluster that the series was scraped in, as Prometheus and what gathers for several clusters add it.
  var cluster: String?
  var client: String?
  var clientNamespace: String?
  var clientCluster: String?
  var server: String?
  var serverNamespace: String?
  var serverCluster: String?
  var connectionType: String?
  var messagingSystem: String?
  private(set) var linkerd = LinkerdLabels()
  /// A fingerprint of all labels, whatever their order, but for the one that tells replicas of one Prometheus.
  private(set) var identity: UInt64 = 0
  /// A fingerprint of that one; 0 where it is not there.
  private(set) var replica: UInt64 = 0
  /// Whether the labels of a scrape are there, which every stored series has and a sum over them has not.
  var isScraped = false
  /// Whether the name is a recording rule's: only those have colons.
  var isRecorded: Bool { metric?.contains(":") ?? false }
  /// The labels as PromQL writes them, for a warning; cut short.
  var excerpt = ""

  /// Reads the object of labels.
  init(_ cursor: inout JSONCursor) throws(TrafficError) {
    var pairs: [String] = []
    try cursor.beginObject()
    while let key = try cursor.nextKey() {
      let value = try cursor.string()
      let label = fingerprint(key.raw, seed: fingerprint(value))
      if Self.isReplica(key) { replica &+= label } else { identity &+= label }
      if pairs.count < 4 { pairs.append("\(key.raw.text)=\"\(value)\"") }
      switch key {
      case "__name__": metric = value
      case "instance", "job": isScraped = true
      case "reporter": reporter = value
      case "source_workload": sourceWorkload = value
      case "source_workload_namespace": sourceNamespace = value
      case "destination_workload": destinationWorkload = value
      case "destination_workload_namespace": destinationNamespace = value
      case "destination_service": destinationService = value
      case "destination_service_name": destinationServiceName = value
      case "destination_service_namespace": destinationServiceNamespace = value
      case "source_cluster": sourceCluster = value
      case "destination_cluster": destinationCluster = value
      case "cluster": cluster = value
      case "client": client = value
      case "client_k8s_namespace_name": clientNamespace = value
      case "client_k8s_cluster_name": clientCluster = value
      case "server": server = value
      case "server_k8s_namespace_name": serverNamespace = value
      case "server_k8s_cluster_name": serverCluster = value
      case "connection_type": connectionType = value
      case "client_messaging_system", "server_messaging_system": messagingSystem = messagingSystem ?? Self.known(value)
      default: linkerd.take(key, value)
      }
    }
    excerpt = "{\(pairs.joined(separator: ", "))}"
  }

  /// Whether a label says which of several equal Prometheus servers has the series: they all have the same.
  private static func isReplica(_ key: JSONText) -> Bool {
    key == "prometheus_replica" || key == "replica" || key == "__replica__"
  }

  /// The Service that was asked for, with its namespace.
  var service: String? {
    Self.known(destinationServiceName).map { "\(destinationServiceNamespace ?? "")/\($0)" }
  }

  /// The two ends of traffic.
  typealias Ends = (source: TrafficEndpoint, destination: TrafficEndpoint)

  /// The ends of an Istio series; nil where it lacks the labels.
  ///
  /// Istio's `unknown` is an end outside the mesh. A destination outside it is the service that was asked for, which may
  /// be one of the cluster all the same, also where Istio let it through without knowing it. Where a query summed the destination workload away, the service stands for it.
  var istioEnds: Ends? {
    guard let sourceWorkload else { return nil }
    let source =
      Self.known(sourceWorkload).map {
        TrafficEndpoint(cluster: named(sourceCluster), namespace: Self.known(sourceNamespace), name: $0)
      }
      ?? TrafficEndpoint(namespace: nil, name: "unknown", isOutside: true)

    let service = Self.known(destinationServiceName) ?? Self.known(destinationService)
    if let workload = Self.known(destinationWorkload) {
      return (
        source,
        TrafficEndpoint(
          cluster: named(destinationCluster), namespace: Self.known(destinationNamespace), name: workload)
      )
    }
    guard destinationWorkload != nil || destinationServiceName != nil || destinationService != nil else { return nil }
    guard let service, !TrafficEndpoint.isPassthrough(service) else {
      let outside = TrafficEndpoint(
        namespace: Self.known(destinationServiceNamespace), name: service ?? "unknown", isOutside: true)
      return (source, passedThrough ?? outside)
    }
    return (
      source,
      TrafficEndpoint(
        cluster: named(destinationCluster),
        namespace: Self.known(destinationServiceNamespace),
        name: service,
        isPeer: destinationWorkload != nil,
        host: destinationWorkload == nil ? nil : Self.known(destinationService)
      )
    )
  }

  /// What was called though Istio has no service for it, by the host or the address that the caller gave; nil where that
  /// is not known.
  private var passedThrough: TrafficEndpoint? {
    guard let called = Self.known(destinationService), !TrafficEndpoint.isPassthrough(called) else { return nil }
    let (host, port) = hostAndPort(called)
    return TrafficEndpoint(
      cluster: named(destinationCluster), namespace: nil, name: host, isPeer: true, host: host, port: port)
  }

  /// The ends of an OpenTelemetry service-graph series, of which a message has two pairs; nil where it lacks the labels.
  ///
  /// An end that sends no spans itself (a database, or what the collector calls a virtual node) is a peer; the client of
  /// a virtual node is `user` where it is the client that sends none. A message goes through its broker, which the
  /// series does not name, unless it has the messaging system as a dimension.
  var serviceGraphEnds: [Ends]? {
    guard let client, let server, !client.isEmpty, !server.isEmpty else { return nil }
    let isUser = connectionType == "virtual_node" && client == "user"
    let isVirtualServer = !isUser && (connectionType == "virtual_node" || connectionType == "database")
    let source = TrafficEndpoint(
      cluster: isUser ? nil : named(clientCluster), namespace: Self.known(clientNamespace), name: client,
      isOutside: isUser)
    let destination = TrafficEndpoint(
      cluster: isVirtualServer ? nil : named(serverCluster), namespace: Self.known(serverNamespace), name: server,
      isPeer: isVirtualServer)
    guard connectionType == "messaging_system" else { return [(source, destination)] }
    let broker =
      messagingSystem.map { TrafficEndpoint(namespace: nil, name: $0, isPeer: true) } ?? CallFinder.unknownBroker
    return [(source, broker), (broker, destination)]
  }

  /// The ends of a series of Linkerd's; nil where it lacks the labels.
  var linkerdEnds: Ends? { linkerd.ends(in: Self.known(cluster)) }

  /// The cluster of an end: what its label says, unless that is the name that Istio gives to every cluster without one,
  /// and else the cluster of the scrape.
  private func named(_ label: String?) -> String? {
    guard let label = Self.known(label) else { return Self.known(cluster) }
    return label == "Kubernetes" ? Self.known(cluster) ?? label : label
  }

  private static func known(_ label: String?) -> String? {
    guard let label, !label.isEmpty, label != "unknown" else { return nil }
    return label
  }
}

extension TrafficEndpoint {
  /// Whether a name is one of Istio's for what it has no service for: PassthroughCluster, BlackHoleCluster and variants.
  static func isPassthrough(_ name: String) -> Bool {
    name.hasSuffix("PassthroughCluster") || name.hasSuffix("BlackHoleCluster")
  }
}

/// Takes the port off `host:port` and `[address]:port`. What else has colons is an address of IPv6.
private func hostAndPort(_ text: String) -> (host: String, port: Int?) {
  guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
    1...65535 ~= port
  else { return (text, nil) }
  let host = text[..<colon]
  if host.hasPrefix("["), host.hasSuffix("]"), host.count > 2 { return (String(host.dropFirst().dropLast()), port) }
  return host.isEmpty || host.contains(":") ? (text, nil) : (String(host), port)
}
