/// The labels of what Linkerd's proxies count. Its own pod's workload is in labels that Prometheus adds from the pod's
/// owner (`deployment`), the other side's in the same labels with `dst_` (`linkerd.io/2/reference/proxy-metrics`).
struct LinkerdLabels {
  private var direction: String?
  private var peer: String?
  private var namespace: String?
  private var workload: (rank: Int, name: String)?
  private var destinationNamespace: String?
  private var destination: (rank: Int, name: String)?
  private var service: String?
  private var authority: String?
  private var targetCluster: String?
  private var targetService: String?

  /// The kinds of workloads that labels name, and after them what stands for one.
  private static let kinds: [(own: StaticString, destination: StaticString)] = [
    ("deployment", "dst_deployment"), ("statefulset", "dst_statefulset"), ("daemonset", "dst_daemonset"),
    ("cronjob", "dst_cronjob"), ("k8s_job", "dst_k8s_job"), ("replicaset", "dst_replicaset"), ("pod", "dst_pod"),
  ]

  /// Whether this is what a proxy saw between its own container and itself, or of its callers, which it does not know by
  /// their workloads: the callers' proxies count the same.
  var isInbound: Bool { direction == "inbound" || peer == "src" }
  /// Whether there is a label that only Linkerd has.
  var isThere: Bool { destination != nil || targetService != nil || destinationNamespace != nil && service != nil }

  /// Takes a label.
  mutating func take(_ key: JSONText, _ value: String) {
    guard !value.isEmpty else { return }
    switch key {
    case "direction": direction = value
    case "peer": peer = value
    case "namespace": namespace = value
    case "dst_namespace": destinationNamespace = value
    case "dst_service": service = value
    case "dst_target_cluster": targetCluster = value
    case "dst_target_service": targetService = value
    case "authority": authority = value
    default:
      for (rank, label) in Self.kinds.enumerated() {
        if label.own ~= key, rank < workload?.rank ?? .max { workload = (rank, value) }
        if label.destination ~= key, rank < destination?.rank ?? .max { destination = (rank, value) }
      }
    }
  }

  /// The two ends; nil where the labels do not say both.
  ///
  /// A Service that is mirrored from another cluster is that cluster's, and its gateway's pod is not what was called.
  ///
  /// - Parameter cluster: The cluster of the scrape.
  func ends(in cluster: String?) -> (source: TrafficEndpoint, destination: TrafficEndpoint)? {
    guard let workload else { return nil }
    let source = TrafficEndpoint(cluster: cluster, namespace: namespace, name: workload.name)
    if let targetCluster, let name = targetService ?? service {
      return (source, TrafficEndpoint(cluster: targetCluster, namespace: destinationNamespace, name: name))
    }
    if let name = destination?.name ?? service {
      return (source, TrafficEndpoint(cluster: cluster, namespace: destinationNamespace, name: name))
    }
    guard let authority else { return nil }
    return (source, TrafficEndpoint(namespace: nil, name: authority, isPeer: true))
  }
}
