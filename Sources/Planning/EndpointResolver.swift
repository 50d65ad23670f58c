import Kubernetes
import Placement
public import Topology
public import Traffic

/// Finds the workloads of a cluster that a traffic dump means by its names.
///
/// A name is looked up as a workload, then as a Service (which means the workloads whose pods it selects), then as an
/// app (what the labels `service.istio.io/canonical-name`, `app.kubernetes.io/name` and `app` of a workload's pods
/// say). A name without a namespace is looked for in `default` first, then in all namespaces, where it must be unique.
/// The DNS forms `name.namespace`, `name.namespace.svc` and `name.namespace.svc.cluster.local`, each with or without a
/// port, give the namespace. A ``EndpointMap`` goes before all of this.
public struct EndpointResolver: Sendable {
  /// A workload, as far as names go.
  public struct Workload: Hashable, Sendable {
    /// Its name.
    public var name: WorkloadName
    /// How many replicas it has: the weight of its part where one name means several workloads.
    public var replicas: Int
    /// The labels of its pods.
    public var podLabels: [String: String]

    /// Makes a workload.
    public init(name: WorkloadName, replicas: Int, podLabels: [String: String] = [:]) {
      self.name = name
      self.replicas = replicas
      self.podLabels = podLabels
    }
  }

  /// What a name means.
  public enum Meaning: Hashable, Sendable {
    /// One workload, or several that share the traffic.
    case workloads([Part])
    /// An end of its own on a node, by the map.
    case pinned(node: String)
    /// Nothing that the plan places, and why.
    case outside(reason: String)
  }

  /// A workload's part of the traffic of a name.
  public struct Part: Hashable, Sendable {
    /// Index of the workload in the array that the resolver was made with.
    public var workload: Int
    /// The part, above 0 to 1; the parts of one name sum to 1.
    public var share: Double
  }

  /// Why a name is outside that the cluster does not know.
  static let unknownReason = "not in the cluster"

  /// The labels that say which app a pod belongs to.
  private static let appLabels = ["service.istio.io/canonical-name", "app.kubernetes.io/name", "app"]

  private typealias Index = [String: [String: [Int]]]

  private let lookup: Lookup
  private let mapped: [String: Meaning]

  /// Makes a resolver.
  ///
  /// - Parameters:
  ///   - workloads: the workloads of the plan. Where two share a name, it means the first.
  ///   - services: the workloads of the plan, by index, whose pods each Service selects.
  ///   - unplanned: why a workload of the cluster is not in the plan, such as `a DaemonSet`.
  ///   - nodes: the names of the nodes that the map may pin an end to.
  /// - Throws: ``PlanningError/Code/badMap`` where the map speaks of a workload or node that the cluster does not have.
  public init(
    workloads: [Workload],
    services: [WorkloadName: [Int]] = [:],
    unplanned: [WorkloadName: String] = [:],
    nodes: Set<String>,
    map: EndpointMap = EndpointMap()
  ) throws(PlanningError) {
    var byName: Index = [:]
    var byService: Index = [:]
    var byApp: Index = [:]
    for (w, workload) in workloads.enumerated() {
      if byName[workload.name.name]?[workload.name.namespace] == nil {
        byName[workload.name.name, default: [:]][workload.name.namespace] = [w]
      }
      for app in Set(Self.appLabels.compactMap { workload.podLabels[$0] }) {
        byApp[app, default: [:]][workload.name.namespace, default: []].append(w)
      }
    }
    for (service, selected) in services where !selected.isEmpty {
      byService[service.name, default: [:]][service.namespace] = selected
    }
    self.lookup = Lookup(
      replicas: workloads.map(\.replicas),
      ranks: [byName, byService, byApp],
      unplanned: unplanned,
      namespaces: Set((workloads.map(\.name) + services.keys + unplanned.keys).map(\.namespace))
    )

    var mapped: [String: Meaning] = [:]
    for (name, entry) in map.entries.sorted(by: { $0.key < $1.key }) {
      switch entry.target {
      case .outside:
        mapped[name] = .outside(reason: "outside by the map")
      case .node(let node):
        guard nodes.contains(node) else {
          throw PlanningError(code: .badMap, message: "\(entry.place): '\(node)' is no node of the cluster")
        }
        mapped[name] = .pinned(node: node)
      case .named(let target):
        let meaning = lookup.meaning(of: TrafficEndpoint(text: target))
        if case .outside(let reason) = meaning {
          throw PlanningError(
            code: .badMap,
            message: "\(entry.place): '\(target)': \(reason); expected a workload or Service"
          )
        }
        mapped[name] = meaning
      }
    }
    self.mapped = mapped
  }

  /// Makes a resolver for the names of a cluster; workloads have the indices that they have in its problem.
  ///
  /// - Throws: ``PlanningError/Code/badMap`` where the map speaks of what the cluster does not have.
  public init(_ cluster: ClusterProblem, map: EndpointMap = EndpointMap()) throws(PlanningError) {
    try self.init(
      workloads: cluster.workloads.indices.map { w in
        Workload(
          name: cluster.workloads[w].name,
          replicas: cluster.problem.workloads[w].replicas,
          podLabels: cluster.podLabels[w]
        )
      },
      services: cluster.services,
      unplanned: cluster.unplanned,
      nodes: Set(cluster.problem.nodes.map(\.name)),
      map: map
    )
  }

  /// Answers what an endpoint of a dump means.
  public func meaning(of endpoint: TrafficEndpoint) -> Meaning {
    if let cluster = endpoint.cluster {
      return mapped["\(cluster)/\(endpoint)"] ?? .outside(reason: "in the cluster \(cluster)")
    }
    if let meaning = mapped[endpoint.description] ?? mapped[endpoint.name] { return meaning }
    if endpoint.isOutside { return .outside(reason: "outside by the dump") }
    return lookup.meaning(of: endpoint)
  }

  /// The lookup by the cluster's own names, without a map.
  private struct Lookup {
    let replicas: [Int]
    /// What is known under a name, by name and namespace: workloads, services, apps, in the order of their rank.
    let ranks: [Index]
    let unplanned: [WorkloadName: String]
    let namespaces: Set<String>

    func meaning(of endpoint: TrafficEndpoint) -> Meaning {
      var names = [(endpoint.name, endpoint.namespace)]
      if let (name, namespace) = nameInDNS(endpoint.name) { names.append((name, namespace ?? endpoint.namespace)) }
      for (name, namespace) in names {
        if let found = find(name, namespace) { return found }
      }
      for (name, namespace) in names {
        let workload = WorkloadName(namespace: namespace ?? "default", name: name)
        if let why = unplanned[workload] { return .outside(reason: "not planned: \(why)") }
      }
      return .outside(reason: EndpointResolver.unknownReason)
    }

    private func find(_ name: String, _ namespace: String?) -> Meaning? {
      if let namespace {
        return ranks.lazy.compactMap { $0[name]?[namespace] }.first.map(parts)
      }
      if let found = find(name, "default") { return found }
      for rank in ranks {
        guard let candidates = rank[name], let only = candidates.first else { continue }
        guard candidates.count > 1 else { return parts(only.value) }
        let places = candidates.keys.sorted().map { "\($0)/\(name)" }
        return .outside(reason: "ambiguous: \(places.joined(separator: ", ")); say which with --map")
      }
      return nil
    }

    private func parts(_ found: [Int]) -> Meaning {
      let running = found.filter { replicas[$0] > 0 }
      guard !running.isEmpty else { return .outside(reason: "has no replicas") }
      let total = running.reduce(0) { $0 + replicas[$1] }
      return .workloads(running.map { Part(workload: $0, share: Double(replicas[$0]) / Double(total)) })
    }

    /// The name and namespace in a DNS name, less port, cluster domain and what stands before the Service's name.
    private func nameInDNS(_ host: String) -> (name: String, namespace: String?)? {
      let withoutPort = host.prefix { $0 != ":" }
      var labels = withoutPort.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
      if let svc = labels.lastIndex(of: "svc"), svc >= 2 {
        labels = Array(labels[(svc - 2)..<svc])
      }
      switch labels.count {
      case 1: return withoutPort.count < host.count ? (labels[0], nil) : nil
      case 2 where namespaces.contains(labels[1]): return (labels[0], labels[1])
      default: return nil
      }
    }
  }
}

extension TrafficEndpoint {
  /// Makes an endpoint from `namespace/name` or `name`.
  fileprivate init(text: String) {
    let parts = text.split(separator: "/", maxSplits: 1)
    self =
      parts.count == 2
      ? TrafficEndpoint(namespace: String(parts[0]), name: String(parts[1]))
      : TrafficEndpoint(namespace: nil, name: text)
  }
}
