import Traffic

/// The calls of all origins, put together where they are between the same ends, whatever each origin calls those.
struct UnitedCalls {
  /// What is counted.
  let calls: ResolvedCalls
  /// What each tool says for itself, by the names that it has.
  let measured: [ResolvedCalls]
  /// What the user states, where that is not part of ``measured``.
  let stated: ResolvedCalls?
  /// Which traffic was there several times, a sentence for each origin.
  let warnings: [String]

  init(_ traffic: ObservedTraffic, _ resolver: EndpointResolver) {
    let origins = traffic.measured.filter { !$0.graph.edges.isEmpty }
    guard origins.count > 1 else {
      var graph = origins.first?.graph ?? TrafficGraph()
      graph.add(traffic.stated)
      calls = ResolvedCalls(graph, resolver)
      measured = [calls]
      stated = nil
      warnings = []
      return
    }
    var common = CommonEnds()
    var united = TrafficGraph()
    var warnings: [String] = []
    measured = origins.map { ResolvedCalls($0.graph, resolver) }
    for (origin, calls) in zip(origins, measured) {
      guard united.unite(common.graph(of: calls)) > 0 else { continue }
      warnings.append("\(origin.source): edges that other dumps have measured too count once, at the higher rate")
    }
    let stated = ResolvedCalls(traffic.stated, resolver)
    united.add(common.graph(of: stated))
    self.stated = stated
    self.warnings = warnings
    calls = ResolvedCalls(
      ends: common.ends,
      calls: united.edges.map { ResolvedCalls.Call(source: $0.source, destination: $0.destination, edge: $0) })
  }
}

/// The ends that several origins have in common.
private struct CommonEnds {
  /// What makes two ends the same.
  private enum Place: Hashable {
    case inside(ResolvedTraffic.End)
    case outside(name: String, cluster: String?)
  }

  private(set) var ends: [ResolvedCalls.End] = []
  private var index: [Place: Int] = [:]

  /// The calls of an origin as a graph between the ends in common, whose endpoints are those known so far, in their order.
  mutating func graph(of calls: ResolvedCalls) -> TrafficGraph {
    let parts = calls.ends.map { places(of: $0) }
    var graph = TrafficGraph()
    for place in ends.indices { _ = graph.index(of: TrafficEndpoint(namespace: nil, name: "\(place)")) }
    for call in calls.calls {
      for (source, shareOfSource) in parts[call.source] {
        for (destination, shareOfDestination) in parts[call.destination] {
          graph.add(call.edge, source: source, destination: destination, share: shareOfSource * shareOfDestination)
        }
      }
    }
    return graph
  }

  /// The ends in common that an origin's end stands for, by index.
  private mutating func places(of end: ResolvedCalls.End) -> [(place: Int, share: Double)] {
    guard !end.resolution.isOutside else {
      return [(place(.outside(name: end.name, cluster: end.cluster), end), 1)]
    }
    return end.parts.map { part, share in
      guard case .workload(let workload) = part else { return (place(.inside(part), end), share) }
      let meaning = EndpointResolver.Meaning.workloads([EndpointResolver.Part(workload: workload, share: 1)])
      let resolution = EndpointResolver.Resolution(meaning: meaning, evidence: end.resolution.evidence)
      return (place(.inside(part), ResolvedCalls.End(name: end.name, resolution: resolution)), share)
    }
  }

  private mutating func place(_ place: Place, _ end: ResolvedCalls.End) -> Int {
    if let known = index[place] { return known }
    index[place] = ends.count
    ends.append(end)
    return ends.count - 1
  }
}
