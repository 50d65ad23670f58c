/// A metric that records traffic between workloads.
enum TrafficMetric: String, CaseIterable {
  case requestBytes = "istio_request_bytes_sum"
  case responseBytes = "istio_response_bytes_sum"
  case requests = "istio_requests_total"
  case bytesSent = "istio_tcp_sent_bytes_total"
  case bytesReceived = "istio_tcp_received_bytes_total"
  case serviceGraphRequests = "traces_service_graph_request_total"
  case linkerdRequests = "request_total"
  case linkerdBytesSent = "tcp_write_bytes_total"
  case linkerdBytesReceived = "tcp_read_bytes_total"

  /// Who makes metrics, and with them labels.
  enum Origin: CaseIterable {
    case istio, serviceGraph, linkerd

    /// The labels that say between whom there was traffic, for a message.
    var labels: String {
      switch self {
      case .istio: "source_workload and destination_workload"
      case .serviceGraph: "client and server"
      case .linkerd: "deployment and dst_deployment (or those of other workloads)"
      }
    }
  }

  /// Whether it counts bytes; otherwise it counts requests.
  var countsBytes: Bool {
    switch self {
    case .requestBytes, .responseBytes, .bytesSent, .bytesReceived, .linkerdBytesSent, .linkerdBytesReceived: true
    case .requests, .serviceGraphRequests, .linkerdRequests: false
    }
  }

  /// Who makes it.
  var origin: Origin {
    switch self {
    case .requestBytes, .responseBytes, .requests, .bytesSent, .bytesReceived: .istio
    case .serviceGraphRequests: .serviceGraph
    case .linkerdRequests, .linkerdBytesSent, .linkerdBytesReceived: .linkerd
    }
  }
}

extension TrafficMetric {
  /// Whether it counts what cannot be divided. What tracing counts may be weighted by how much it samples.
  var countsWholes: Bool { origin != .serviceGraph }

  /// Whether it counts the bytes of connections in which no requests are counted.
  var isOfConnections: Bool { self == .bytesSent || self == .bytesReceived }

  /// The metric in the name of a recording rule, such as `workload:istio_requests_total:rate5m`; nil for none.
  init?(recordedAs name: String) {
    guard let metric = name.split(separator: ":").lazy.compactMap({ Self(rawValue: String($0)) }).first else {
      return nil
    }
    self = metric
  }
}
