import Formats

/// What one Envoy has counted so far for each of its clusters, from its `/stats/prometheus`.
///
/// Of Envoy's own statistics of its clusters and Istio's standard metrics it takes the first where a cluster has them:
/// they count a request when it is sent or begins to wait, not when it is over.
struct IngressReading: Hashable, Sendable {
  /// What was counted for a cluster.
  struct Counts: Hashable, Sendable {
    /// Requests that were sent, each try; nil where nobody counts them.
    fileprivate(set) var tries: Double?
    /// Tries that were not the first.
    var retried = 0.0
    /// Requests that had no place to wait.
    var refused = 0.0
    /// Requests that wait to be sent: no counter.
    var waiting = 0.0
    /// Requests that are over.
    var ended = 0.0
    /// Requests that ended with an error of the server's.
    var failed = 0.0
    /// The time that requests took together, in seconds.
    var seconds = 0.0
    /// How many requests took it.
    var timed = 0.0

    /// Requests that were sent, each try.
    var sent: Double { tries ?? 0 }
  }

  /// By what clusters are called.
  private(set) var clusters: [EnvoyClusterName: Counts] = [:]
  /// What clusters are called whose names end like a port, by their names without it.
  private var withPorts: [EnvoyClusterName: Set<EnvoyClusterName>] = [:]
  /// Whether Istio's metrics are counted: a host has none until it got a request.
  private(set) var hasIstio = false

  fileprivate enum Figure {
    case tries
    case count(any WritableKeyPath<Counts, Double> & Sendable)
    /// Requests that are over, of a class of statuses.
    case ended
  }

  private static let clusterPrefix = "envoy_cluster_"
  /// By the ends of their names. What requests of one class are called depends on who extracts the class.
  private static let clusterFigures: [(end: String, figure: Figure)] = [
    ("upstream_rq_total", .tries), ("upstream_rq_retry", .count(\.retried)),
    ("upstream_rq_pending_overflow", .count(\.refused)), ("upstream_rq_pending_active", .count(\.waiting)),
    ("upstream_rq_xx", .ended), ("upstream_rq", .ended),
    ("upstream_rq_time_sum", .count(\.seconds)), ("upstream_rq_time_count", .count(\.timed)),
  ]
  private static let istioFigures: [String: Figure] = [
    "istio_requests_total": .ended, "istio_request_duration_milliseconds_sum": .count(\.seconds),
    "istio_request_duration_milliseconds_count": .count(\.timed),
  ]

  /// Reads an answer.
  ///
  /// Throws `PrometheusText.Fault` where what is wanted in it makes no sense, or it is none of an Envoy.
  init(_ bytes: [UInt8]) throws {
    var own: [EnvoyClusterName: Counts] = [:]
    var istio: [EnvoyClusterName: Counts] = [:]
    var isEnvoy = false
    try PrometheusText.read(bytes) { name in
      isEnvoy = isEnvoy || name.hasPrefix("envoy_") || name.hasPrefix("istio_")
      return Self.istioFigures[name] != nil || Self.clusterFigure(name) != nil
    } _: { sample in
      guard sample.value >= 0 else {
        throw PrometheusText.Fault(description: "\(sample.name): found \(sample.value), expected a count")
      }
      if let (figure, cut) = Self.clusterFigure(sample.name) {
        let names = Self.names(sample.labels, cut)
        guard let name = names.first else { return }
        own[name, default: Counts()].add(sample, figure)
        for short in names.dropFirst() { withPorts[short, default: []].insert(name) }
      } else if let figure = Self.istioFigures[sample.name], let host = sample.labels["destination_service"],
        sample.labels["reporter"] != "destination"
      {
        istio[EnvoyClusterName(DestinationName(host, in: "")), default: Counts()].add(sample, figure, countsTries: true)
      }
    }
    guard isEnvoy else { throw PrometheusText.absence(of: "an Envoy", in: bytes) }
    hasIstio = !istio.isEmpty
    clusters = own.filter { $0.value.tries != nil }
    clusters.merge(istio.filter { $0.value.tries != nil }) { own, _ in own }
  }

  /// The clusters of a name: that of the very name, or else those that have a port behind it, but for what is a destination
  /// of a policy as it is: the namespace `team-1` is no port 1 of `team`.
  func names(of name: EnvoyClusterName, beside followed: FollowedDestinations) -> [EnvoyClusterName] {
    if clusters[name] != nil { return [name] }
    let found = withPorts[name] ?? []
    return found.filter { clusters[$0] != nil && !followed.has($0) }.sorted { $0.description < $1.description }
  }

  /// What a metric of a cluster counts, and what of the cluster's name is in its own; nil where nothing that is wanted.
  private static func clusterFigure(_ name: String) -> (figure: Figure, cut: Substring)? {
    guard name.hasPrefix(clusterPrefix) else { return nil }
    let rest = name.dropFirst(clusterPrefix.count)
    for (end, figure) in clusterFigures where rest.hasSuffix(end) {
      let cut = rest.dropLast(end.count)
      if cut.isEmpty { return (figure, cut) }
      if cut.hasSuffix("_") { return (figure, cut.dropLast()) }
    }
    return nil
  }

  /// What the cluster that a series is of may be called by. Istio's tag has more of the name than Envoy's, where both are there.
  private static func names(_ labels: [String: String], _ cut: Substring) -> [EnvoyClusterName] {
    let label = [labels["cluster_name"], labels["envoy_cluster_name"]].compactMap { $0 }.max { $0.count < $1.count }
    return label.map { EnvoyClusterName.all(label: $0, cut: cut) } ?? []
  }
}

extension IngressReading.Counts {
  fileprivate mutating func add(
    _ sample: PrometheusText.Sample, _ figure: IngressReading.Figure, countsTries: Bool = false
  ) {
    switch figure {
    case .tries: tries = (tries ?? 0) + sample.value
    // Both Envoy and Istio have times in milliseconds.
    case .count(\.seconds): seconds += sample.value / 1000
    case .count(let path): self[keyPath: path] += sample.value
    case .ended:
      // Each status has a series, too, beside the one of its class.
      let statuses = countsTries ? ["response_code"] : ["envoy_response_code_class", "response_code_class"]
      guard let status = statuses.lazy.compactMap({ sample.labels[$0] }).first else { return }
      ended += sample.value
      if status.hasPrefix("5") { failed += sample.value }
      if countsTries { tries = (tries ?? 0) + sample.value }
    }
  }
}
