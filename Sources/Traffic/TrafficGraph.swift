package import Model

/// One end of a traffic edge as a dump names it.
///
/// Importers do not guess: a name without a namespace stays without one, what a dump says is outside (`unknown`, a
/// passthrough cluster, the world) is outside, and what only its callers name (a database, a broker) is a peer. Resolving
/// to workloads is the planner's business.
package struct TrafficEndpoint: Hashable, Sendable {
  /// The cluster, or nil where the dump does not say or means the one that it was made in.
  package var cluster: String?
  /// The namespace, or nil where the dump does not say.
  package var namespace: String?
  /// The name of a workload or a service; for a peer or an outside end, the host or the dump's word for it.
  package var name: String
  /// Whether the dump says that this end is not a workload of the cluster.
  package var isOutside: Bool
  /// Whether it is known by what its callers say alone, because it sends no telemetry: it may be of the cluster or not.
  package var isPeer: Bool
  /// For a peer, the host name or address at which it is called, where the dump says that beside a name.
  package var host: String?
  /// For a peer, the port at which it is called, where the dump says that beside the name.
  package var port: Int?
  /// For a peer, whether the name is that of a database there, which is not what its host or Service is called.
  package var isDatabase: Bool

  /// Makes an endpoint.
  package init(
    cluster: String? = nil, namespace: String?, name: String, isOutside: Bool = false, isPeer: Bool = false,
    host: String? = nil, port: Int? = nil, isDatabase: Bool = false
  ) {
    self.cluster = cluster
    self.namespace = namespace
    self.name = name
    self.isOutside = isOutside
    self.isPeer = isPeer
    self.host = host
    self.port = port
    self.isDatabase = isDatabase
  }

  /// Makes the endpoint of a workload whose namespace is known.
  package init(_ workload: WorkloadName) {
    self.init(namespace: workload.namespace, name: workload.name)
  }
}

extension TrafficEndpoint: CustomStringConvertible {
  /// `namespace/name`, or `name` alone.
  package var description: String { namespace.map { "\($0)/\(name)" } ?? name }
}

/// Who talks to whom and how much: directed edges between endpoints, with rates that add up.
package struct TrafficGraph: Sendable {
  /// One directed edge and its rates.
  package struct Edge: Hashable, Sendable {
    /// Index of the caller in ``TrafficGraph/endpoints``.
    package var source: Int
    /// Index of the callee in ``TrafficGraph/endpoints``.
    package var destination: Int
    /// Bytes per second in both directions of the conversation; nil where no dump recorded bytes for this edge.
    package var bytesPerSecond: Double?
    /// Requests per second; nil where no dump recorded requests for this edge.
    package var requestsPerSecond: Double?
    /// Whether this is what connections carried in which no requests are counted, as a mesh counts TCP. The bytes of
    /// requests between the same ends are an edge of their own.
    package var isOfConnections = false
    /// Whether what stands for requests is packets, because no requests were seen: many times as many.
    package var countsPackets = false
  }

  /// All endpoints, in order of first appearance.
  package private(set) var endpoints: [TrafficEndpoint] = []
  /// All edges, in order of first appearance; no two of requests and no two of connections share both ends.
  package private(set) var edges: [Edge] = []

  private var endpointIndex: [TrafficEndpoint: Int] = [:]
  /// Indices of edges by both ends in one integer, which hashes in half the time of a pair.
  private var edgeIndex: [UInt64: Int] = [:]

  /// Makes an empty graph.
  package init() {}

  /// Answers the index of an endpoint, adding it where it is new.
  package mutating func index(of endpoint: TrafficEndpoint) -> Int {
    if let index = endpointIndex[endpoint] { return index }
    endpoints.append(endpoint)
    endpointIndex[endpoint] = endpoints.count - 1
    return endpoints.count - 1
  }

  /// Adds traffic to the edge between two endpoints, given by index. Rates of the same edge add up; a nil rate adds
  /// nothing.
  ///
  /// - Returns: the edge's index in ``edges``.
  @discardableResult
  package mutating func add(
    source: Int, destination: Int, bytesPerSecond: Double?, requestsPerSecond: Double?, isOfConnections: Bool = false,
    countsPackets: Bool = false
  ) -> Int {
    let ends = Self.key(source, destination, isOfConnections)
    guard let index = edgeIndex[ends] else {
      edgeIndex[ends] = edges.count
      edges.append(
        Edge(
          source: source,
          destination: destination,
          bytesPerSecond: bytesPerSecond,
          requestsPerSecond: requestsPerSecond,
          isOfConnections: isOfConnections,
          countsPackets: countsPackets
        )
      )
      return edges.count - 1
    }
    edges[index].bytesPerSecond.add(bytesPerSecond)
    edges[index].requestsPerSecond.add(requestsPerSecond)
    if requestsPerSecond != nil { edges[index].countsPackets = edges[index].countsPackets && countsPackets }
    return index
  }

  /// Adds a share of another graph's edge to the edge between two endpoints, given by index.
  package mutating func add(_ edge: Edge, source: Int, destination: Int, share: Double = 1) {
    add(
      source: source,
      destination: destination,
      bytesPerSecond: edge.bytesPerSecond.map { $0 * share },
      requestsPerSecond: edge.requestsPerSecond.map { $0 * share },
      isOfConnections: edge.isOfConnections,
      countsPackets: edge.countsPackets
    )
  }

  /// Says how many bytes go over an edge, given by its index.
  mutating func setBytes(_ bytesPerSecond: Double?, ofEdge index: Int) {
    edges[index].bytesPerSecond = bytesPerSecond
  }

  @inline(__always)
  private static func key(_ source: Int, _ destination: Int, _ isOfConnections: Bool) -> UInt64 {
    // There are never so many endpoints that an index takes 31 bits.
    UInt64(UInt32(truncatingIfNeeded: source)) << 32 | UInt64(UInt32(truncatingIfNeeded: destination))
      | (isOfConnections ? 1 << 63 : 0)
  }

  /// Multiplies all rates by a factor.
  package mutating func scale(by factor: Double) {
    for index in edges.indices {
      edges[index].bytesPerSecond = edges[index].bytesPerSecond.map { $0 * factor }
      edges[index].requestsPerSecond = edges[index].requestsPerSecond.map { $0 * factor }
    }
  }

  /// Takes in the edges of another graph of the same traffic: where both have an edge, the higher rates count, but packets
  /// never before requests.
  ///
  /// What one of them counts by connections alone and the other by requests alone is the same too.
  ///
  /// - Returns: how many edges both have.
  @discardableResult
  package mutating func unite(_ other: TrafficGraph) -> Int {
    var shared = 0
    let mapped = other.endpoints.map { index(of: $0) }
    for edge in other.edges {
      let (source, destination) = (mapped[edge.source], mapped[edge.destination])
      var known = edgeIndex[Self.key(source, destination, edge.isOfConnections)]
      if known == nil, other.edgeIndex[Self.key(edge.source, edge.destination, !edge.isOfConnections)] == nil {
        known = edgeIndex[Self.key(source, destination, !edge.isOfConnections)]
      }
      if let known {
        shared += 1
        edges[known].unite(edge)
      } else {
        add(edge, source: source, destination: destination)
      }
    }
    return shared
  }

  /// The graph with its endpoints named otherwise. Where two edges become one, they were one under two names, and the
  /// higher rates count.
  package func renaming(_ rename: (TrafficEndpoint) -> TrafficEndpoint) -> TrafficGraph {
    var graph = TrafficGraph()
    let mapped = endpoints.map { graph.index(of: rename($0)) }
    for edge in edges {
      let (source, destination) = (mapped[edge.source], mapped[edge.destination])
      if let known = graph.edgeIndex[Self.key(source, destination, edge.isOfConnections)] {
        graph.edges[known].unite(edge)
      } else {
        graph.add(edge, source: source, destination: destination)
      }
    }
    return graph
  }

  /// Adds all edges of another graph to this one.
  package mutating func add(_ other: TrafficGraph) {
    let mapped = other.endpoints.map { index(of: $0) }
    for edge in other.edges { add(edge, source: mapped[edge.source], destination: mapped[edge.destination]) }
  }
}

extension TrafficGraph.Edge {
  /// Takes in what another tool measured of the same traffic: the higher rates count, but packets never before requests.
  package mutating func unite(_ other: Self) {
    bytesPerSecond = [bytesPerSecond, other.bytesPerSecond].compactMap { $0 }.max()
    guard let requests = other.requestsPerSecond else { return }
    guard let known = requestsPerSecond, countsPackets == other.countsPackets else {
      if requestsPerSecond == nil || countsPackets {
        requestsPerSecond = requests
        countsPackets = other.countsPackets
      }
      return
    }
    requestsPerSecond = max(known, requests)
  }
}

extension Optional<Double> {
  fileprivate mutating func add(_ other: Double?) {
    guard let other else { return }
    self = (self ?? 0) + other
  }
}
