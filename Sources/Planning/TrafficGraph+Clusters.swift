public import Traffic

extension TrafficGraph {
  /// The graph as one of the clusters in it sees it: its own ends bear no cluster's name, as those whose dump names none,
  /// and all others are outside.
  ///
  /// The cluster is the one that is called by one of the names. Without names, a graph of one cluster is of this one,
  /// and in a graph of several it is the only one of whose ends the resolver knows more than half.
  ///
  /// - Parameters:
  ///   - names: what dumps call the cluster; several where tools differ.
  ///   - resolver: knows the cluster's workloads.
  /// - Returns: the graph, and what a user should know of it.
  /// - Throws: ``PlanningError/Code/badTraffic`` where it may be one cluster's or another's.
  public func seen(
    from names: Set<String>, _ resolver: EndpointResolver
  ) throws(PlanningError) -> (graph: TrafficGraph, warnings: [String]) {
    var clusters: [String: [TrafficEndpoint]] = [:]
    for endpoint in endpoints {
      guard let cluster = endpoint.cluster else { continue }
      clusters[cluster, default: []].append(endpoint)
    }
    guard !clusters.isEmpty else { return (self, []) }
    let all = clusters.keys.sorted().joined(separator: ", ")
    guard names.isEmpty else {
      let isNamed = !names.isDisjoint(with: clusters.keys)
      let called = names.sorted().joined(separator: ", ")
      return (withoutName(of: names), isNamed ? [] : ["no end of the traffic is in \(called), all are in \(all)"])
    }
    guard clusters.count > 1 else { return (withoutName(of: Set(clusters.keys)), []) }
    let known = clusters.filter { $0.value.count(where: resolver.knows) * 2 > $0.value.count }
    guard let this = known.first?.key, known.count == 1 else {
      throw PlanningError(
        code: .badTraffic,
        message: "the traffic is of the clusters \(all), and which of them this is cannot be told by its workloads: "
          + "say it with --cluster-name"
      )
    }
    return (
      withoutName(of: [this]),
      ["the traffic is of the clusters \(all), and this is \(this) by its workloads; --cluster-name says otherwise"]
    )
  }

  /// The graph with the ends of some clusters named as those of none.
  private func withoutName(of clusters: Set<String>) -> TrafficGraph {
    var graph = TrafficGraph()
    func index(_ end: Int) -> Int {
      var endpoint = endpoints[end]
      if let cluster = endpoint.cluster, clusters.contains(cluster) { endpoint.cluster = nil }
      return graph.index(of: endpoint)
    }
    for edge in edges {
      graph.add(
        source: index(edge.source),
        destination: index(edge.destination),
        bytesPerSecond: edge.bytesPerSecond,
        requestsPerSecond: edge.requestsPerSecond,
        isOfConnections: edge.isOfConnections
      )
    }
    return graph
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
