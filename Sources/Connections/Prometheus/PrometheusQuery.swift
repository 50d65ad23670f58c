import Model
import Traffic

/// An instant query whose answer says who talks to whom.
package struct PrometheusQuery: Hashable, Sendable {
  /// The query, in PromQL.
  package var expression: String
  /// The metric that the answer's series are of where they have lost its name; nil where their labels tell.
  package var metric: String?

  /// Makes a query; its metric is the one of those that count traffic which it names.
  package init(_ expression: String) {
    self.expression = expression
    // A recording rule's name has metrics between colons.
    let names = Set(expression.split { !($0.isLetter || $0.isNumber || $0 == "_") })
    metric = TrafficReader.prometheusMetrics.first { names.contains($0[...]) }
  }
}

/// What Prometheus is asked for.
package enum PrometheusMetrics: Hashable, Sendable {
  /// Istio's metrics where there are any, else those of OpenTelemetry's service graph.
  case automatic
  /// Istio's standard metrics.
  case istio
  /// The service graph that OpenTelemetry's collector or Tempo makes of spans.
  case serviceGraph
  /// The queries that are given.
  case queries([PrometheusQuery])

  /// The queries, in sets of which the first with an answer counts.
  ///
  /// - Parameter window: the time over which rates are taken.
  func alternatives(window: Duration) -> [[PrometheusQuery]] {
    switch self {
    case .automatic: [Self.istioQueries(window), Self.serviceGraphQueries(window)]
    case .istio: [Self.istioQueries(window)]
    case .serviceGraph: [Self.serviceGraphQueries(window)]
    case .queries(let queries): [queries]
    }
  }

  private static func istioQueries(_ window: Duration) -> [PrometheusQuery] {
    let labels = [
      "reporter", "source_workload", "source_workload_namespace", "destination_workload",
      "destination_workload_namespace", "destination_service_name", "destination_service_namespace",
      "source_cluster", "destination_cluster", "cluster",
    ]
    return [
      "istio_request_bytes_sum", "istio_response_bytes_sum", "istio_requests_total", "istio_tcp_sent_bytes_total",
      "istio_tcp_received_bytes_total",
    ].map { PrometheusQuery(rates(of: $0, by: labels, window)) }
  }

  private static func serviceGraphQueries(_ window: Duration) -> [PrometheusQuery] {
    let labels = [
      "client", "server", "client_k8s_namespace_name", "server_k8s_namespace_name", "connection_type",
      "client_k8s_cluster_name", "server_k8s_cluster_name", "cluster", "client_messaging_system",
      "server_messaging_system",
    ]
    return [PrometheusQuery(rates(of: "traces_service_graph_request_total", by: labels, window))]
  }

  private static func rates(of metric: String, by labels: [String], _ window: Duration) -> String {
    let seconds = max(1, Int(saturating: (window / .seconds(1)).rounded(.up)))
    return "sum by (\(labels.joined(separator: ", "))) (rate(\(metric)[\(seconds)s])) > 0"
  }
}
