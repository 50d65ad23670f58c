public import Kubernetes
public import Placement

/// Who talks to whom, and what traffic costs that leaves its node or its zone: the planner's objective, as far as the
/// extender needs it.
public struct TrafficEdges: Sendable {
  /// Traffic between two workloads.
  public struct Edge: Hashable, Sendable {
    /// One workload.
    public var u: WorkloadReference
    /// The other.
    public var v: WorkloadReference
    /// Traffic per second in both directions. Positive.
    public var traffic: Double

    /// Makes an edge.
    public init(_ u: WorkloadReference, _ v: WorkloadReference, traffic: Double) {
      self.u = u
      self.v = v
      self.traffic = traffic
    }
  }

  /// The edges.
  public var edges: [Edge]
  /// What traffic costs that leaves its node.
  public var leavingNode: Double
  /// What traffic costs that leaves its zone, on top.
  public var leavingZone: Double

  /// Makes edges; by default at the planner's costs.
  public init(_ edges: [Edge] = [], weights: Problem.Weights = Problem.Weights()) {
    self.edges = edges
    leavingNode = weights.leavingNode
    leavingZone = weights.leavingZone
  }
}
