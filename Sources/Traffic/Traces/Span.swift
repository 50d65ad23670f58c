/// What a span is to the call that it belongs to (`SpanKind` of OpenTelemetry).
enum SpanKind: Sendable {
  case unspecified, server, client, producer, consumer

  /// Whether the span stands for a call that its service made.
  var isCaller: Bool { self == .client || self == .producer }
  /// Whether the span stands for a call that its service got.
  var isCallee: Bool { self == .server || self == .consumer }
}

/// A span as a decoder reads it.
struct Span {
  /// The ids as they stand in the dump.
  var traceID = ""
  var id = ""
  /// Empty where the span is the first of its trace.
  var parentID = ""
  var kind = SpanKind.unspecified
  /// Seconds since 1970; nil where the dump does not say.
  var start: Double?
  var end: Double?
  var attributes = SpanAttributes()
}

/// How many bytes went each way in a call, where a span says so.
struct CallSize: Sendable {
  var request: Double?
  var response: Double?

  /// Both ways together; nil where neither is known.
  var bytes: Double? {
    request == nil && response == nil ? nil : (request ?? 0) + (response ?? 0)
  }

  /// This size, completed by what the other side of the call says.
  func completed(by other: CallSize) -> CallSize {
    CallSize(request: request ?? other.request, response: response ?? other.response)
  }
}

/// What the attributes of a span and of what sent it say of the call.
struct SpanAttributes {
  var service: String?
  var cluster: String?
  var namespace: String?
  var workload: String?
  var istioNamespace: String?
  private(set) var size = CallSize()
  /// What is said of the other side of a call: names for it, of which the first rank names it best.
  private var peerNames: [PeerName: String] = [:]
  private var peerPort: Int?

  /// The attributes that name the other side of a call, best first.
  private enum PeerName: CaseIterable {
    case service, serverAddress, peerName, peerAddress, messagingSystem, databaseName, databaseSystem

    /// Whether it is where the call went to, and not what is there.
    var isHost: Bool { self == .serverAddress || self == .peerName || self == .peerAddress }
  }

  /// The value of an attribute, in whichever type it was written.
  enum Value {
    case text(String)
    case number(Double)

    var text: String {
      switch self {
      case .text(let text): text
      case .number(let number): "\(number)"
      }
    }

    var number: Double? {
      switch self {
      case .text(var text): text.withUTF8 { decimal(UnsafeRawBufferPointer($0)) }
      case .number(let number): number
      }
    }
  }

  /// Whether ``add(_:_:)`` takes anything from an attribute, so that others need not be decoded.
  static func uses(_ key: JSONText) -> Bool {
    !key.isEscaped && used.contains { key.raw.equals($0) }
  }

  private static let used: [StaticString] = [
    "service.name", "k8s.cluster.name", "k8s.namespace.name", "k8s.deployment.name", "k8s.statefulset.name",
    "k8s.daemonset.name", "k8s.job.name", "k8s.cronjob.name", "istio.namespace", "span.kind", "peer.service",
    "server.address", "net.peer.name", "network.peer.address", "net.sock.peer.addr", "net.peer.ip", "server.port",
    "net.peer.port", "network.peer.port", "messaging.system", "db.name", "db.namespace", "db.system", "db.system.name",
    "http.request.body.size", "http.request_content_length", "http.request.size", "request_size",
    "messaging.message.body.size", "http.response.body.size", "http.response_content_length", "http.response.size",
    "response_size",
  ]

  /// Takes an attribute by its name in OpenTelemetry's semantic conventions (now and before), Envoy's or Istio's.
  mutating func add(_ key: JSONText, _ value: Value) {
    switch key {
    case "service.name": service = value.text
    case "k8s.cluster.name": cluster = value.text.isEmpty ? nil : value.text
    case "k8s.namespace.name": namespace = value.text
    case "k8s.deployment.name", "k8s.statefulset.name", "k8s.daemonset.name", "k8s.job.name":
      workload = workload ?? value.text
    case "k8s.cronjob.name": workload = value.text
    case "istio.namespace": istioNamespace = value.text
    case "peer.service": name(.service, value)
    case "server.address": name(.serverAddress, value)
    case "net.peer.name": name(.peerName, value)
    case "network.peer.address", "net.sock.peer.addr", "net.peer.ip": name(.peerAddress, value)
    case "server.port", "net.peer.port", "network.peer.port":
      peerPort = peerPort ?? value.number.flatMap { Int(exactly: $0) }
    case "messaging.system": name(.messagingSystem, value)
    case "db.namespace", "db.name": name(.databaseName, value)
    case "db.system.name", "db.system": name(.databaseSystem, value)
    case "http.request.body.size", "http.request_content_length", "http.request.size", "request_size",
      "messaging.message.body.size":
      size.request = larger(value, size.request)
    case "http.response.body.size", "http.response_content_length", "http.response.size", "response_size":
      size.response = larger(value, size.response)
    default: break
    }
  }

  /// Takes over what the attributes of the sender say, where the span's own do not.
  mutating func inherit(_ resource: SpanAttributes) {
    service = service ?? resource.service
    cluster = cluster ?? resource.cluster
    namespace = namespace ?? resource.namespace
    workload = workload ?? resource.workload
    istioNamespace = istioNamespace ?? resource.istioNamespace
  }

  /// The end that sent the span; nil where its service has no name.
  ///
  /// The workload that Kubernetes attributes name comes before the service's name. Istio calls a service
  /// `name.namespace`, which is taken apart where it says the namespace as well.
  var endpoint: TrafficEndpoint? {
    if let workload, !workload.isEmpty {
      return TrafficEndpoint(cluster: cluster, namespace: namespace, name: workload)
    }
    guard let service, !service.isEmpty else { return nil }
    if let istioNamespace, service.hasSuffix(".\(istioNamespace)"), service.count > istioNamespace.count + 1 {
      let name = String(service.dropLast(istioNamespace.count + 1))
      return TrafficEndpoint(cluster: cluster, namespace: istioNamespace, name: name)
    }
    return TrafficEndpoint(cluster: cluster, namespace: namespace, name: service)
  }

  /// The other side of a call: what its caller calls, or the broker that a message goes through; nil where the span does
  /// not name it.
  var peer: TrafficEndpoint? {
    guard let kind = PeerName.allCases.first(where: { peerNames[$0] != nil }), let name = peerNames[kind] else {
      return nil
    }
    let host = PeerName.allCases.lazy.filter(\.isHost).compactMap { peerNames[$0] }.first
    return TrafficEndpoint(
      namespace: nil, name: name, isPeer: true, host: host, port: peerPort, isDatabase: kind == .databaseName)
  }

  private mutating func name(_ kind: PeerName, _ value: Value) {
    if peerNames[kind] == nil, !value.text.isEmpty { peerNames[kind] = value.text }
  }

  private func larger(_ value: Value, _ known: Double?) -> Double? {
    guard let size = value.number, size.isRate else { return known }
    return max(size, known ?? 0)
  }
}
