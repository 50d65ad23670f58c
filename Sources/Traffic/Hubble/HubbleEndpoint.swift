/// One end of a flow.
struct HubbleEndpoint {
  private var cluster: String?
  private var namespace: String?
  private var workload: String?
  private var pod: String?
  /// The names that labels give, by how well they name a workload.
  private var app: (rank: Int, name: String)?
  /// The identity that Cilium reserves for what is no pod: `world`, `host`, `kube-apiserver` and so on.
  private var reserved: String?

  init(_ cursor: inout JSONCursor) throws(TrafficError) {
    try cursor.beginObject()
    while let key = try cursor.nextKey() {
      switch key {
      case "cluster_name": cluster = Self.nonempty(try cursor.string()) ?? cluster
      case "namespace": namespace = Self.nonempty(try cursor.string()) ?? namespace
      case "pod_name": pod = Self.nonempty(try cursor.string())
      case "labels":
        try cursor.beginArray()
        while try cursor.nextElement() { readLabel(try cursor.string()) }
      case "workloads": try readWorkloads(&cursor)
      default: try cursor.skip()
      }
    }
  }

  private mutating func readWorkloads(_ cursor: inout JSONCursor) throws(TrafficError) {
    try cursor.beginArray()
    while try cursor.nextElement() {
      try cursor.beginObject()
      while let key = try cursor.nextKey() {
        if key == "name", workload == nil {
          workload = Self.nonempty(try cursor.string())
        } else {
          try cursor.skip()
        }
      }
    }
  }

  /// Takes what a label such as `k8s:app=cart` or `reserved:world` says.
  private mutating func readLabel(_ label: String) {
    if label.hasPrefix("reserved:") {
      let name = String(label.dropFirst("reserved:".count))
      // A node that runs the API server is `remote-node` as well.
      if reserved == nil || name == "kube-apiserver" { reserved = name }
      return
    }
    let pair = label.split(separator: "=", maxSplits: 1)
    guard pair.count == 2 else { return }
    let value = String(pair[1])
    switch pair[0] {
    case "k8s:io.kubernetes.pod.namespace": namespace = namespace ?? value
    case "k8s:io.cilium.k8s.policy.cluster": cluster = cluster ?? value
    case "k8s:app.kubernetes.io/name": keep(value, rank: 0)
    case "k8s:app": keep(value, rank: 1)
    case "k8s:k8s-app": keep(value, rank: 2)
    default: break
    }
  }

  private mutating func keep(_ name: String, rank: Int) {
    if let app, app.rank <= rank { return }
    app = (rank, name)
  }

  /// The end: the workload that owns the pod, or the name in its labels, or the pod itself; what is no pod is outside,
  /// under its DNS name where Cilium knows one.
  func end(dnsName: String?) -> HubbleFlow.End {
    if reserved == nil || workload != nil, let name = workload ?? app?.name ?? pod {
      let nameKind: HubbleFlow.End.NameKind = workload != nil ? .workload : app != nil ? .label : .pod
      return HubbleFlow.End(endpoint: endpoint(name), nameKind: nameKind, pod: pod.map { endpoint($0) })
    }
    let outside = TrafficEndpoint(namespace: nil, name: dnsName ?? reserved ?? "unknown", isOutside: true)
    return HubbleFlow.End(endpoint: outside, nameKind: .pod, pod: nil)
  }

  private func endpoint(_ name: String) -> TrafficEndpoint {
    // Cilium calls every cluster `default` that is in no mesh of clusters, and none that is in one.
    TrafficEndpoint(cluster: cluster == "default" ? nil : cluster, namespace: namespace, name: name)
  }

  private static func nonempty(_ text: String) -> String? { text.isEmpty ? nil : text }
}
