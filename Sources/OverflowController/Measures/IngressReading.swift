/// What one Envoy has counted so far for each host that it sends requests to, from its `/stats/prometheus`.
///
/// Of Envoy's own statistics of its clusters and Istio's standard metrics it takes the first where a host has them: they
/// count a request when it is sent or begins to wait, not when it is over.
struct IngressReading: Hashable, Sendable {
  /// What was counted for a host.
  struct Counts: Hashable, Sendable {
    /// Requests that were sent, each try.
    var sent = 0.0
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
  }

  /// By host; a name without a domain is in the namespace `""`.
  private(set) var hosts: [DestinationName: Counts] = [:]

  private static let clusterMetrics: [String: any WritableKeyPath<Counts, Double> & Sendable] = [
    "envoy_cluster_upstream_rq_total": \.sent, "envoy_cluster_upstream_rq_retry": \.retried,
    "envoy_cluster_upstream_rq_pending_overflow": \.refused,
    "envoy_cluster_upstream_rq_pending_active": \.waiting, "envoy_cluster_upstream_rq_xx": \.ended,
    "envoy_cluster_upstream_rq_time_sum": \.seconds, "envoy_cluster_upstream_rq_time_count": \.timed,
  ]
  private static let istioMetrics: [String: any WritableKeyPath<Counts, Double> & Sendable] = [
    "istio_requests_total": \.ended, "istio_request_duration_milliseconds_sum": \.seconds,
    "istio_request_duration_milliseconds_count": \.timed,
  ]
  private static let names = Set(clusterMetrics.keys).union(istioMetrics.keys)

  /// Reads an answer.
  ///
  /// Throws `PrometheusText.Fault` where what is wanted in it makes no sense.
  init(_ bytes: [UInt8]) throws {
    var istio: [DestinationName: Counts] = [:]
    try PrometheusText.read(bytes, of: Self.names) { sample in
      guard sample.value >= 0 else {
        throw PrometheusText.Fault(description: "\(sample.name): found \(sample.value), expected a count")
      }
      let labels = sample.labels
      if let path = Self.clusterMetrics[sample.name], let name = labels["envoy_cluster_name"] {
        let isFailure = path == \.ended && labels["envoy_response_code_class"] == "5"
        Self.add(sample.value, path, isFailure, to: &hosts[Self.host(ofCluster: name), default: Counts()])
      } else if let path = Self.istioMetrics[sample.name], let name = labels["destination_service"],
        labels["reporter"] != "destination"
      {
        let isFailure = path == \.ended && labels["response_code"]?.hasPrefix("5") == true
        let host = DestinationName(name, in: "")
        Self.add(sample.value, path, isFailure, to: &istio[host, default: Counts()])
        if path == \.ended { istio[host]?.sent += sample.value }
      }
    }
    hosts.merge(istio) { own, _ in own }
  }

  private static func add(
    _ value: Double, _ path: WritableKeyPath<Counts, Double>, _ isFailure: Bool, to counts: inout Counts
  ) {
    // Both Envoy and Istio have times in milliseconds.
    counts[keyPath: path] += path == \.seconds ? value / 1000 : value
    if isFailure { counts.failed += value }
  }

  /// What was counted for a host; nil where nothing was.
  func counts(of host: String, in namespace: String) -> Counts? {
    hosts[DestinationName(host, in: namespace)] ?? hosts[DestinationName(host, in: "")]
  }

  /// Istio calls its clusters `outbound|80|subset|host`.
  private static func host(ofCluster name: String) -> DestinationName {
    DestinationName(String(name.split(separator: "|", omittingEmptySubsequences: false).last ?? ""), in: "")
  }
}
