/// A metric that records traffic between workloads.
enum TrafficMetric: String, CaseIterable {
  case requestBytes = "istio_request_bytes_sum"
  case responseBytes = "istio_response_bytes_sum"
  case requests = "istio_requests_total"
  case bytesSent = "istio_tcp_sent_bytes_total"
  case bytesReceived = "istio_tcp_received_bytes_total"
  case serviceGraphRequests = "traces_service_graph_request_total"

  /// Whether it counts bytes; otherwise it counts requests.
  var countsBytes: Bool {
    switch self {
    case .requestBytes, .responseBytes, .bytesSent, .bytesReceived: true
    case .requests, .serviceGraphRequests: false
    }
  }
}
