package import Traffic

extension ObservedTraffic {
  /// What a tool calls each cluster that was given no name: Istio, and Kiali after it. It says nothing of which one it is.
  private static let defaultNames: Set = ["Kubernetes"]

  /// The traffic as one of the clusters in it sees it: its own ends bear no cluster's name, as those whose dump names
  /// none, and all others are outside.
  ///
  /// The cluster is the one that is called by one of the names. Without names: where a dump has ends of this cluster
  /// that bear no cluster's name, the one that it does name is another, such as one whose services are mirrored here;
  /// where all ends bear one name, it is this one's; and where there are several, it is the only one of whose ends the
  /// resolver knows more than half.
  ///
  /// - Parameters:
  ///   - names: what dumps call the cluster; several where tools differ.
  ///   - resolver: knows the cluster's workloads.
  /// - Returns: the traffic, and what a user should know of it.
  /// - Throws: ``PlanningError/Code/badTraffic`` where it may be one cluster's or another's.
  package func seen(
    from names: Set<String>, _ resolver: EndpointResolver
  ) throws(PlanningError) -> (traffic: ObservedTraffic, warnings: [String]) {
    let origins = measured.map { NamedEnds($0.graph, resolver) }
    let clusters = Set(origins.flatMap(\.ends.keys))
    guard !clusters.isEmpty else { return (self, []) }
    let all = clusters.sorted().joined(separator: ", ")
    guard names.isEmpty else {
      let called = names.sorted().joined(separator: ", ")
      let isNamed = !names.isDisjoint(with: clusters)
      return (withoutName(of: names), isNamed ? [] : ["no end of the traffic is in \(called), all are in \(all)"])
    }

    let own = Set(origins.compactMap { $0.hasOthers ? nil : $0.onlyName }).union(Self.defaultNames)
    let foreign = Set(origins.compactMap { $0.hasOthers ? $0.onlyName : nil }).subtracting(own)
    let remarks = foreign.sorted().map { name in
      "the traffic names the cluster \(name) for some ends and none for others: those are taken for this cluster's, and "
        + "\(name) for another; --cluster-name says otherwise"
    }
    let candidates = clusters.subtracting(foreign)
    // Each tool has its own name for this cluster, of which one is no name.
    let isEachOfOne = origins.allSatisfy { $0.ends.count <= 1 } && candidates.subtracting(Self.defaultNames).count <= 1
    if candidates.count < 2 || isEachOfOne { return (withoutName(of: candidates), remarks) }
    let known = candidates.filter { cluster in
      let ends = origins.flatMap { $0.ends[cluster] ?? [] }
      return ends.count(where: resolver.knows) * 2 > ends.count
    }
    guard let this = known.first, known.count == 1 else {
      throw PlanningError(
        code: .badTraffic,
        message: "the traffic is of the clusters \(all), and which of them this is cannot be told by its workloads: "
          + "say it with --cluster-name"
      )
    }
    let remark =
      "the traffic is of the clusters \(all), and this is \(this) by its workloads; --cluster-name says otherwise"
    return (withoutName(of: [this]), remarks + [remark])
  }

  /// The traffic with the ends of some clusters named as those of none.
  private func withoutName(of clusters: Set<String>) -> ObservedTraffic {
    renaming { endpoint in
      guard let cluster = endpoint.cluster, clusters.contains(cluster) else { return endpoint }
      var own = endpoint
      own.cluster = nil
      return own
    }
  }
}

/// The ends of one origin by the clusters that it names.
private struct NamedEnds {
  private(set) var ends: [String: [TrafficEndpoint]] = [:]
  /// Whether there are ends of this cluster that bear no cluster's name. What callers alone name never bears one.
  private(set) var hasOthers = false

  /// The only cluster that is named; nil where there are none or several.
  var onlyName: String? { ends.count == 1 ? ends.keys.first : nil }

  init(_ graph: TrafficGraph, _ resolver: EndpointResolver) {
    for endpoint in graph.endpoints {
      if let cluster = endpoint.cluster { ends[cluster, default: []].append(endpoint) }
    }
    guard ends.count == 1 else { return }
    hasOthers = graph.endpoints.contains {
      $0.cluster == nil && !$0.isOutside && !$0.isPeer && resolver.knows($0)
    }
  }
}

extension EndpointResolver {
  /// Whether the cluster has what an end of some cluster is called.
  fileprivate func knows(_ endpoint: TrafficEndpoint) -> Bool {
    var endpoint = endpoint
    endpoint.cluster = nil
    guard case .outside(let reason) = resolution(of: endpoint).meaning else { return true }
    return reason != Self.unknownReason && reason != Self.unknownPeerReason
  }
}
