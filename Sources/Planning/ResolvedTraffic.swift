public import Placement
import Topology
public import Traffic

/// Traffic between the workloads of a cluster, in one unit, and what became of the rest of a dump.
///
/// Both directions of a conversation are one edge. The unit is bytes per second where all edges between workloads have
/// bytes; otherwise requests per second where all have requests; otherwise bytes, with the requests of the edges that
/// lack bytes converted by the mean size of a request over the edges that have both. Only where no edge has both are
/// edges left out: the unit is then the one that more edges have. ``warnings`` says where either was done.
public struct ResolvedTraffic: Sendable {
  /// An end of an edge.
  public enum End: Hashable, Sendable {
    /// A workload, by index in the array that the resolver was made with.
    case workload(Int)
    /// An end that the map pins to a node.
    case pinned(name: String, node: String)
  }

  /// Traffic between two different ends.
  public struct Edge: Hashable, Sendable {
    /// The end that appeared first in the dump.
    public var u: End
    /// The other end.
    public var v: End
    /// Traffic per second in both directions, in ``ResolvedTraffic/unit``. Positive.
    public var traffic: Double
    /// The same in each of the matrices that were put together; empty for a dump alone.
    public var trafficByMatrix: [Double] = []
  }

  /// A name of the dump that is no workload of the plan.
  public struct OutsideEnd: Hashable, Sendable {
    /// The name in the dump.
    public var name: String
    /// Why it is outside.
    public var reason: String
    /// All traffic to and from it per second, in ``ResolvedTraffic/unit``; 0 where the dump has it in the other unit only.
    public var traffic: Double
  }

  /// The unit of all traffic here.
  public internal(set) var unit: Problem.TrafficUnit
  /// The edges, in order of first appearance.
  public internal(set) var edges: [Edge] = []
  /// Names without a workload, the one with the most traffic first.
  public internal(set) var outside: [OutsideEnd] = []
  /// All traffic of the dump, whatever its ends.
  public internal(set) var total = 0.0
  /// Traffic that has an end outside.
  public internal(set) var outsideTraffic = 0.0
  /// Traffic of workloads with themselves. It is no edge: where replicas of one workload run apart, they must.
  public internal(set) var selfTraffic = 0.0
  /// How names that mean several workloads were split.
  public internal(set) var notes: [String] = []
  /// What a user should know before trusting the plan.
  public internal(set) var warnings: [String] = []

  /// Resolves the ends of a dump's edges and brings their traffic to one unit.
  public init(_ graph: TrafficGraph, _ resolver: EndpointResolver, workloadName: (Int) -> String) {
    let meanings = graph.endpoints.map(resolver.meaning)
    let inside = graph.edges.filter { meanings[$0.source].isInside && meanings[$0.destination].isInside }
    let measure = Measure(inside.isEmpty ? graph.edges : inside)
    unit = measure.unit
    warnings = inside.isEmpty ? [] : measure.warnings

    var index: [Pair: Int] = [:]
    var outsideOf: [Int: Double] = [:]
    for edge in graph.edges {
      let traffic = measure.traffic(of: edge) ?? 0
      total += traffic
      let (source, destination) = (meanings[edge.source], meanings[edge.destination])
      guard source.isInside, destination.isInside else {
        outsideTraffic += traffic
        for end in Set([edge.source, edge.destination]) where !meanings[end].isInside {
          outsideOf[end, default: 0] += traffic
        }
        continue
      }
      guard traffic > 0 else { continue }
      let callers = source.ends(name: graph.endpoints[edge.source].description)
      let callees = destination.ends(name: graph.endpoints[edge.destination].description)
      for (u, shareOfU) in callers {
        for (v, shareOfV) in callees {
          add(traffic * shareOfU * shareOfV, between: u, and: v, &index)
        }
      }
    }

    for (e, meaning) in meanings.enumerated() {
      switch meaning {
      case .outside(let reason):
        guard let traffic = outsideOf[e] else { continue }
        outside.append(OutsideEnd(name: graph.endpoints[e].description, reason: reason, traffic: traffic))
      case .workloads(let parts) where parts.count > 1:
        let names = parts.map { workloadName($0.workload) }.joined(separator: ", ")
        notes.append("\(graph.endpoints[e]) means several workloads, by replicas: \(names)")
      case .workloads, .pinned:
        continue
      }
    }
    outside.sort { ($1.traffic, $0.name) < ($0.traffic, $1.name) }
  }

  /// Traffic of a unit, none yet.
  init(unit: Problem.TrafficUnit) { self.unit = unit }

  private struct Pair: Hashable {
    var a: End
    var b: End
  }

  private mutating func add(_ traffic: Double, between u: End, and v: End, _ index: inout [Pair: Int]) {
    guard u != v else {
      selfTraffic += traffic
      return
    }
    if let e = index[Pair(a: u, b: v)] ?? index[Pair(a: v, b: u)] {
      edges[e].traffic += traffic
    } else {
      index[Pair(a: u, b: v)] = edges.count
      edges.append(Edge(u: u, v: v, traffic: traffic))
    }
  }
}

extension EndpointResolver.Meaning {
  fileprivate var isInside: Bool {
    if case .outside = self { false } else { true }
  }

  /// The ends that a name of this meaning stands for, with their shares.
  fileprivate func ends(name: String) -> [(ResolvedTraffic.End, share: Double)] {
    switch self {
    case .workloads(let parts): parts.map { (.workload($0.workload), $0.share) }
    case .pinned(let node): [(.pinned(name: name, node: node), 1)]
    case .outside: []
    }
  }
}

/// The unit in which all edges are counted, and how an edge is counted in it.
private struct Measure {
  var unit: Problem.TrafficUnit
  /// What a request counts on an edge without bytes; nil where such an edge does not count.
  var bytesPerRequest: Double?
  var warnings: [String] = []

  init(_ edges: [TrafficGraph.Edge]) {
    let withBytes = edges.count { $0.bytesPerSecond != nil }
    let withRequests = edges.count { $0.requestsPerSecond != nil }
    if withBytes == edges.count || withRequests == edges.count {
      unit = withBytes == edges.count && !edges.isEmpty ? .bytesPerSecond : .requestsPerSecond
      return
    }
    var bytes = 0.0
    var requests = 0.0
    for edge in edges {
      guard let b = edge.bytesPerSecond, let r = edge.requestsPerSecond else { continue }
      bytes += b
      requests += r
    }
    let without = edges.count - withBytes
    if bytes > 0, requests > 0 {
      unit = .bytesPerSecond
      bytesPerRequest = bytes / requests
      let size = Int(saturating: (bytes / requests).rounded())
      warnings = [
        "\(without) of \(edges.count) edges between workloads have requests but no bytes: "
          + "their requests count \(size) bytes each, the mean over the edges that have both"
      ]
    } else if withBytes >= withRequests {
      unit = .bytesPerSecond
      warnings = ["\(without) of \(edges.count) edges between workloads have no bytes and are left out"]
    } else {
      unit = .requestsPerSecond
      let without = edges.count - withRequests
      warnings = ["\(without) of \(edges.count) edges between workloads have no requests and are left out"]
    }
  }

  func traffic(of edge: TrafficGraph.Edge) -> Double? {
    switch unit {
    case .requestsPerSecond: return edge.requestsPerSecond
    case .bytesPerSecond:
      if let bytes = edge.bytesPerSecond { return bytes }
      guard let requests = edge.requestsPerSecond, let bytesPerRequest else { return nil }
      return requests * bytesPerRequest
    }
  }
}
