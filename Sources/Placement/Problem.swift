/// A placement problem: which node should each replica of each workload run on?
///
/// Everything is a flat array over integer indices: nodes `n`, workloads `w`, resources `k`. Amounts of resources are
/// exact integers in a unit of the caller's choice (millicores, bytes), so that capacity checks never drift.
///
/// The problem is the ILP of the design: `x[w,n]` replicas of workload `w` on node `n`,
///
///     minimize   Σ_e t_e · Σ_tier step(tier) · (1 − Σ_{d in tier} z[e,d])  +  λ·U  +  μ·(replicas moved)
///     with       z[e,d] ≤ x[u,d]/R_u,  z[e,d] ≤ x[v,d]/R_v
///     subject to Σ_n x[w,n] = R_w,   Σ_w r[w,k]·x[w,n] ≤ A[n,k],   x[w,n] ≤ limit[w,n],   rules
///
/// Constraints are asked of replicas that start, as Kubernetes asks them. What runs already may stay where it could not
/// start (a cordoned node, a node that is too full, a rule that is broken): let `stay[w,n]` be the replicas of
/// ``current`` on the node, none where they are evicted. Replicas *start* on a node where `x[w,n] > stay[w,n]`. Then
///
/// - `x[w,n] ≤ max(limit[w,n], stay[w,n])`;
/// - the capacity of a resource holds on a node, or no replica that requests it starts there;
/// - a rule holds in a domain, or it is broken there now and no replica of the workload that it binds (of either, where
///   it keeps two apart) starts there.
///
/// Where the worst of several ``matrices`` counts, its cost takes the place of the first sum; see ``Combination``.
public struct Problem: Sendable {
  /// A set of nodes under one label value each: hosts, zones, racks.
  public struct Partition: Hashable, Sendable {
    /// The topology key, such as `topology.kubernetes.io/zone`.
    public var name: String
    /// The domain of each node, from 0; −1 for a node in no domain.
    public var domain: [Int32]
    /// How many domains there are.
    public var count: Int

    /// Makes a partition; `domain` has one entry a node.
    public init(name: String, domain: [Int32]) {
      self.name = name
      self.domain = domain
      self.count = Int(clamping: domain.max() ?? -1) + 1
    }
  }

  /// A node that takes replicas.
  public struct Node: Hashable, Sendable {
    /// The node's name.
    public var name: String
    /// Index of its zone in ``Problem/zones``.
    public var zone: Int

    /// Makes a node.
    public init(name: String, zone: Int = 0) {
      self.name = name
      self.zone = zone
    }
  }

  /// A workload: replicas that are all alike.
  public struct Workload: Hashable, Sendable {
    /// A name that is unique in the problem, for messages.
    public var name: String
    /// How many replicas to place.
    public var replicas: Int
    /// Index of the row in ``Problem/limitRows`` that says how many replicas each node may hold.
    public var limitRow: Int

    /// Makes a workload.
    public init(name: String, replicas: Int, limitRow: Int = 0) {
      self.name = name
      self.replicas = replicas
      self.limitRow = limitRow
    }
  }

  /// An undirected traffic edge between two different workloads; both directions of a conversation are one edge.
  public struct Edge: Hashable, Sendable {
    /// Index of one workload.
    public var u: Int
    /// Index of the other.
    public var v: Int
    /// Traffic per second, in ``Problem/trafficUnit``. Positive. With several matrices, what they come to together: see
    /// ``Problem/combineTraffic()``.
    public var traffic: Double
    /// Traffic per second in each of ``Problem/matrices``, 0 where a matrix does not have the edge.
    public var trafficByMatrix: [Double]

    /// Makes an edge.
    public init(u: Int, v: Int, traffic: Double, byMatrix trafficByMatrix: [Double] = []) {
      self.u = u
      self.v = v
      self.traffic = traffic
      self.trafficByMatrix = trafficByMatrix
    }
  }

  /// A constraint beyond capacities and per-node limits. Every rule speaks of domains of a partition in
  /// ``Problem/partitions``; nodes in no domain are outside of it.
  public enum Rule: Hashable, Sendable {
    /// At most `count` replicas of the workload in each domain (required anti-affinity to itself).
    case atMost(workload: Int, partition: Int, count: Int)
    /// The two workloads never share a domain (required anti-affinity between them).
    case apart(workload: Int, other: Int, partition: Int)
    /// Each replica of the workload runs in a domain that holds a replica of one of `others`, or another one of `staying`
    /// that runs there now and stays, or one of which `present` says that a pod outside the plan satisfies it. The
    /// workload may be in `staying` itself. Nodes in no domain are not allowed.
    ///
    /// Where `first`, a replica may also be the first of its kind (affinity of a workload to itself): then one domain,
    /// whichever it is, holds all replicas of the workload, of `others` and of `staying` that are in any.
    case together(
      workload: Int, others: [Int], staying: [Int] = [], partition: Int, present: [Bool], first: Bool = false)
    /// Among the `eligible` domains, the count of replicas of `members` (plus `base` from pods outside the plan)
    /// differs by at most `maxSkew` between the fullest domain that holds a replica of `workload` and the emptiest;
    /// the emptiest counts as 0 where fewer than `minDomains` are eligible. Nodes in no domain are not allowed.
    case spread(
      workload: Int, members: [Int], partition: Int, maxSkew: Int, minDomains: Int, base: [Int], eligible: [Bool])
  }

  /// Names of the resources, such as `cpu`.
  public var resources: [String]
  /// The nodes.
  public var nodes: [Node]
  /// Names of the zones.
  public var zones: [String]
  /// The workloads.
  public var workloads: [Workload]
  /// What one replica requests: `requests[w * resources.count + k]`.
  public var requests: [Int64]
  /// What a node can give in all: `allocatable[n * resources.count + k]`. Utilization is relative to it.
  public var allocatable: [Int64]
  /// What pods outside the plan use there already: `reserved[n * resources.count + k]`.
  public var reserved: [Int64]
  /// Rows of how many replicas each node may hold where one starts there; workloads with the same row share it.
  public var limitRows: [[Int32]]
  /// The traffic between workloads.
  public var edges: [Edge]
  /// Matrices of traffic that are planned together, such as day and night; empty where the edges' traffic is all there
  /// is. Each edge says how much it has in each of them.
  public var matrices: [TrafficMatrix]
  /// What several matrices count together.
  public var combination: Combination
  /// Unit of ``Edge/traffic``, for messages and plans.
  public var trafficUnit: TrafficUnit
  /// Partitions that rules speak of.
  public var partitions: [Partition]
  /// Constraints beyond capacity and limits.
  public var rules: [Rule]
  /// Where replicas run now, `current[w]` as (node, replicas); nil for a workload that does not run yet.
  public var current: [[Placed]?]
  /// The nodes on which a workload's replicas run now but may not stay, as they are evicted from there.
  public var evictedFrom: [Int: Set<Int>]
  /// The objective's weights.
  public var weights: Weights

  /// Replicas of one workload on one node.
  public struct Placed: Hashable, Sendable {
    /// Index of the node.
    public var node: Int
    /// How many replicas run there.
    public var replicas: Int

    /// Makes a pair.
    public init(node: Int, replicas: Int) {
      self.node = node
      self.replicas = replicas
    }
  }

  /// What traffic is counted in.
  public enum TrafficUnit: String, Hashable, Sendable {
    /// Bytes per second.
    case bytesPerSecond
    /// Requests per second.
    case requestsPerSecond
  }

  /// The weights of the objective's terms, all in the unit of traffic.
  public struct Weights: Hashable, Sendable {
    /// What traffic costs that leaves its node (`step(node)`).
    public var leavingNode: Double
    /// What traffic costs that leaves its zone, on top (`step(zone)`).
    public var leavingZone: Double
    /// λ: what the peak utilization costs, as traffic for U = 1.
    public var utilization: Double
    /// μ: what one moved replica costs.
    public var move: Double
    /// The most replicas that may move; nil for any number.
    public var maxMoves: Int?

    /// Makes weights; by default traffic alone counts, at the default hop costs.
    public init(
      leavingNode: Double = 1,
      leavingZone: Double = 3,
      utilization: Double = 0,
      move: Double = 0,
      maxMoves: Int? = nil
    ) {
      self.leavingNode = leavingNode
      self.leavingZone = leavingZone
      self.utilization = utilization
      self.move = move
      self.maxMoves = maxMoves
    }
  }

  /// Makes a problem without traffic, reservations, rules or current placement; set those afterwards.
  ///
  /// - Parameters:
  ///   - requests: flat, workloads × resources.
  ///   - allocatable: flat, nodes × resources.
  public init(
    resources: [String],
    nodes: [Node],
    zones: [String] = [""],
    workloads: [Workload],
    requests: [Int64],
    allocatable: [Int64]
  ) {
    precondition(requests.count == workloads.count * resources.count)
    precondition(allocatable.count == nodes.count * resources.count)
    self.resources = resources
    self.nodes = nodes
    self.zones = zones
    self.workloads = workloads
    self.requests = requests
    self.allocatable = allocatable
    self.reserved = Array(repeating: 0, count: allocatable.count)
    self.limitRows = [Array(repeating: .max, count: nodes.count)]
    self.edges = []
    self.matrices = []
    self.combination = .mean
    self.trafficUnit = .bytesPerSecond
    self.partitions = []
    self.rules = []
    self.current = Array(repeating: nil, count: workloads.count)
    self.evictedFrom = [:]
    self.weights = Weights()
  }

  /// What is left for the plan on a node: allocatable less reserved, not below zero.
  public func capacity(node: Int, resource: Int) -> Int64 {
    let i = node * resources.count + resource
    return max(0, allocatable[i] - reserved[i])
  }

  /// How many replicas of a workload a node may hold, whatever its capacity: as its limit row says, or as many as run
  /// there and may stay.
  public func limit(workload: Int, node: Int) -> Int {
    let replicas = workloads[workload].replicas
    let most = startLimit(workload: workload, node: node)
    return most >= replicas ? replicas : min(replicas, max(most, staying(workload: workload, node: node)))
  }

  /// How many replicas of a workload a node may hold by its limit row where one of them starts there.
  public func startLimit(workload: Int, node: Int) -> Int {
    Int(limitRows[workloads[workload].limitRow][node])
  }
}
