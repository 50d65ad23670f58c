import Kubernetes
package import Model
import Placement
package import Traffic

/// Finds the workloads of a cluster that a traffic dump means by its names and addresses.
///
/// A name is looked up as a workload, then as a Service (which means the workloads whose pods it selects), then as an
/// app (what the labels `service.istio.io/canonical-name`, `app.kubernetes.io/name` and `app` of a workload's pods
/// say), then as a pod. What only its callers name (a database, a broker) is looked up as a Service first, because what
/// they call is its DNS name; then by its port, where they give no host; then by its address, as that of a pod, then as
/// that of a Service. No Service is called as the database is that it serves, none is meant at a host of elsewhere
/// (`db.example.com`), and none at a port that it does not have.
///
/// A name without a namespace is looked for in its caller's namespace first, then in `default`, then in all namespaces,
/// where it must be unique. The DNS forms `name.namespace`, `name.namespace.svc` and `name.namespace.svc.cluster.local`,
/// each with or without a port and a pod's name before, give the namespace. A ``EndpointMap`` goes before all of this.
package struct EndpointResolver: Sendable {
  /// A workload, as far as names go.
  package struct Workload: Hashable, Sendable {
    /// Its name.
    package var name: WorkloadName
    /// How many replicas it has: the weight of its part where one name means several workloads.
    package var replicas: Int
    /// The labels of its pods.
    package var podLabels: [String: String]

    /// Makes a workload.
    package init(name: WorkloadName, replicas: Int, podLabels: [String: String] = [:]) {
      self.name = name
      self.replicas = replicas
      self.podLabels = podLabels
    }
  }

  /// A Service, as far as names and addresses go.
  package struct Service: Hashable, Sendable {
    /// Its name.
    package var name: WorkloadName
    /// The workloads whose pods it selects, by index; empty where none of them is planned.
    package var workloads: [Int]
    /// Its ports.
    package var ports: Set<Int>
    /// Its addresses in the cluster.
    package var addresses: [String]
    /// The host that it stands for instead of pods.
    package var externalName: String?
    /// Whether its name stands for its pods' own addresses, at which they are reached at any port.
    package var isHeadless: Bool

    /// Makes a Service.
    package init(
      name: WorkloadName, workloads: [Int], ports: Set<Int> = [], addresses: [String] = [],
      externalName: String? = nil, isHeadless: Bool = false
    ) {
      self.name = name
      self.workloads = workloads
      self.ports = ports
      self.addresses = addresses
      self.externalName = externalName
      self.isHeadless = isHeadless
    }
  }

  /// A pod, as far as names and addresses go.
  package struct Pod: Hashable, Sendable {
    /// Its name.
    package var name: WorkloadName
    /// The workload that it is a replica of, by index; nil where that is not planned.
    package var workload: Int?
    /// The name of what it belongs to; its own where it belongs to nothing.
    package var owner: WorkloadName
    /// Its addresses. Those of a pod on its node's network are its node's.
    package var addresses: [String]
    /// The ports that its containers name.
    package var ports: Set<Int>
    /// Whether it is on its node's network, where it has no address of its own.
    package var isOnNodeNetwork: Bool

    /// Makes a pod.
    package init(
      name: WorkloadName, workload: Int?, owner: WorkloadName, addresses: [String] = [], ports: Set<Int> = [],
      isOnNodeNetwork: Bool = false
    ) {
      self.name = name
      self.workload = workload
      self.owner = owner
      self.addresses = addresses
      self.ports = ports
      self.isOnNodeNetwork = isOnNodeNetwork
    }
  }

  /// What a name means.
  package enum Meaning: Hashable, Sendable {
    /// One workload, or several that share the traffic.
    case workloads([Part])
    /// An end of its own on a node, by the map.
    case pinned(node: String)
    /// Nothing that the plan places, and why.
    case outside(reason: String)
  }

  /// A workload's part of the traffic of a name.
  package struct Part: Hashable, Sendable {
    /// Index of the workload in the array that the resolver was made with.
    package var workload: Int
    /// The part, above 0 to 1; the parts of one name sum to 1.
    package var share: Double
  }

  /// What a name means, and by what it was found.
  package struct Resolution: Hashable, Sendable {
    /// What it means.
    package var meaning: Meaning
    /// What in the cluster or the map has that name or address, such as `Service shop/redis`; for an end outside, why.
    package var evidence: String
  }

  /// Why a name is outside that the cluster does not know.
  static let unknownReason = "not in the cluster"
  /// Why an end is outside that only its callers name and the cluster does not know.
  static let unknownPeerReason = "no Service, pod or address of the cluster"

  private let lookup: Lookup
  private let mapped: [String: Resolution]

  /// Makes a resolver.
  ///
  /// - Parameters:
  ///   - workloads: the workloads of the plan. Where two share a name, it means the first.
  ///   - services: the Services of the cluster.
  ///   - pods: the pods that run in the cluster.
  ///   - unplanned: why a workload of the cluster is not in the plan, such as `a DaemonSet`.
  ///   - nodes: the names of the nodes that the map may pin an end to.
  /// - Throws: ``PlanningError/Code/badMap`` where the map speaks of a workload or node that the cluster does not have.
  package init(
    workloads: [Workload],
    services: [Service] = [],
    pods: [Pod] = [],
    unplanned: [WorkloadName: String] = [:],
    nodes: Set<String>,
    map: EndpointMap = EndpointMap()
  ) throws(PlanningError) {
    lookup = Lookup(workloads: workloads, services: services, pods: pods, unplanned: unplanned)

    var mapped: [String: Resolution] = [:]
    for (name, entry) in map.entries.sorted(by: { $0.key < $1.key }) {
      switch entry.target {
      case .outside:
        mapped[name] = Resolution(outside: "outside by the map")
      case .node(let node):
        guard nodes.contains(node) else {
          throw PlanningError(code: .badMap, message: "\(entry.place): '\(node)' is no node of the cluster")
        }
        mapped[name] = Resolution(meaning: .pinned(node: node), evidence: "map")
      case .named(let target):
        let resolution = lookup.resolution(of: TrafficEndpoint(text: target), callerIn: nil)
        if case .outside(let reason) = resolution.meaning {
          throw PlanningError(
            code: .badMap,
            message: "\(entry.place): '\(target)': \(reason); expected a workload or Service"
          )
        }
        mapped[name] = Resolution(meaning: resolution.meaning, evidence: "map: \(resolution.evidence)")
      }
    }
    self.mapped = mapped
  }

  /// Makes a resolver for the names of a cluster; workloads have the indices that they have in its problem.
  ///
  /// - Throws: ``PlanningError/Code/badMap`` where the map speaks of what the cluster does not have.
  package init(_ cluster: ClusterProblem, map: EndpointMap = EndpointMap()) throws(PlanningError) {
    try self.init(
      workloads: cluster.workloads.indices.map { w in
        Workload(
          name: cluster.workloads[w].name,
          replicas: cluster.problem.workloads[w].replicas,
          podLabels: cluster.podLabels[w]
        )
      },
      services: cluster.services,
      pods: cluster.pods,
      unplanned: cluster.unplanned,
      nodes: Set(cluster.problem.nodes.map(\.name)),
      map: map
    )
  }

  /// Answers what an endpoint of a dump means, and by what it was found.
  ///
  /// - Parameter namespace: the namespace of the workload that calls it, where that is known.
  package func resolution(of endpoint: TrafficEndpoint, callerIn namespace: String? = nil) -> Resolution {
    if !mapped.isEmpty, let resolution = endpoint.namesInMap.lazy.compactMap({ mapped[$0] }).first { return resolution }
    if let cluster = endpoint.cluster { return Resolution(outside: "in the cluster \(cluster)") }
    if endpoint.isOutside { return Resolution(outside: "outside by the dump") }
    return lookup.resolution(of: endpoint, callerIn: namespace)
  }

  /// The namespace of an endpoint, by its name or by what it means; nil where that is in several or unknown.
  func namespace(of endpoint: TrafficEndpoint, _ resolution: Resolution) -> String? {
    if let namespace = endpoint.namespace { return namespace }
    guard case .workloads(let parts) = resolution.meaning, let first = parts.first else { return nil }
    let namespace = lookup.workloads[first.workload].name.namespace
    return parts.allSatisfy { lookup.workloads[$0.workload].name.namespace == namespace } ? namespace : nil
  }
}

extension EndpointResolver.Resolution {
  /// Makes the resolution of what the plan does not place.
  init(outside reason: String) {
    self.init(meaning: .outside(reason: reason), evidence: reason)
  }

  var isOutside: Bool {
    if case .outside = meaning { true } else { false }
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
