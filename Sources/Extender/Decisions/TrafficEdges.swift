package import Kubernetes
package import Placement

/// Who talks to whom, and what traffic costs that leaves its node or its zone: the planner's objective, as far as the
/// extender needs it.
package struct TrafficEdges: Sendable {
  /// Traffic between two workloads.
  package struct Edge: Hashable, Sendable {
    /// One workload.
    package var u: WorkloadReference
    /// The other.
    package var v: WorkloadReference
    /// Traffic per second in both directions. Positive.
    package var traffic: Double

    /// Makes an edge.
    package init(_ u: WorkloadReference, _ v: WorkloadReference, traffic: Double) {
      self.u = u
      self.v = v
      self.traffic = traffic
    }
  }

  /// The edges.
  package var edges: [Edge]
  /// What traffic costs that leaves its node.
  package var leavingNode: Double
  /// What traffic costs that leaves its zone, on top.
  package var leavingZone: Double

  /// Makes edges; by default at the planner's costs.
  package init(_ edges: [Edge] = [], weights: Problem.Weights = Problem.Weights()) {
    self.edges = edges
    leavingNode = weights.leavingNode
    leavingZone = weights.leavingZone
  }
}
