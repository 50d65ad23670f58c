import Traffic

/// The edges of a dump with their ends resolved. What a name without a namespace means may depend on its caller.
struct ResolvedCalls {
  /// A name of the dump as one or more of its callers use it.
  struct End {
    var name: String
    /// The cluster that the dump names, where that is another than this one.
    var cluster: String?
    var resolution: EndpointResolver.Resolution

    /// The ends of edges that it stands for, with their shares of its traffic; none for an end outside.
    var parts: [(end: ResolvedTraffic.End, share: Double)] {
      switch resolution.meaning {
      case .workloads(let parts): parts.map { (.workload($0.workload), $0.share) }
      case .pinned(let node): [(.pinned(name: name, node: node), 1)]
      case .outside: []
      }
    }
  }

  /// An edge of the dump, with the indices of its ends in ``ends``.
  struct Call {
    var source: Int
    var destination: Int
    var edge: TrafficGraph.Edge
  }

  private(set) var ends: [End] = []
  private(set) var calls: [Call] = []

  init(ends: [End], calls: [Call]) {
    self.ends = ends
    self.calls = calls
  }

  init(_ graph: TrafficGraph, _ resolver: EndpointResolver) {
    struct Key: Hashable {
      var endpoint: Int
      var caller: String?
    }
    var index: [Key: Int] = [:]

    func end(_ endpoint: Int, callerIn caller: String?) -> Int {
      let name = graph.endpoints[endpoint]
      let key = Key(endpoint: endpoint, caller: name.namespace == nil ? caller : nil)
      if let known = index[key] { return known }
      let resolution = resolver.resolution(of: name, callerIn: key.caller)
      let host = name.host.map { " at \($0)" } ?? ""
      let isSame = host == " at \(name.name)"
      ends.append(End(name: "\(name)\(isSame ? "" : host)", cluster: name.cluster, resolution: resolution))
      index[key] = ends.count - 1
      return ends.count - 1
    }

    func namespace(_ endpoint: Int, _ end: Int) -> String? {
      resolver.namespace(of: graph.endpoints[endpoint], ends[end].resolution)
    }

    for edge in graph.edges {
      if graph.endpoints[edge.source].isPeer {
        // Its own name is what the other side, such as the consumer of a broker's messages, calls it.
        let destination = end(edge.destination, callerIn: nil)
        let source = end(edge.source, callerIn: namespace(edge.destination, destination))
        calls.append(Call(source: source, destination: destination, edge: edge))
      } else {
        let source = end(edge.source, callerIn: nil)
        let destination = end(edge.destination, callerIn: namespace(edge.source, source))
        calls.append(Call(source: source, destination: destination, edge: edge))
      }
    }
  }

  /// Whether both ends of a call are in the plan.
  func isInside(_ call: Call) -> Bool {
    !ends[call.source].resolution.isOutside && !ends[call.destination].resolution.isOutside
  }
}
