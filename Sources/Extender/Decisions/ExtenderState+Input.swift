import Kubernetes
import Placement
public import Planning

extension ExtenderState {
  /// Takes the nodes of a planner's input, and who talks to whom in it.
  public mutating func set(_ input: PlanInput) {
    let problem = input.problem
    for node in problem.nodes { set(node: node.name, zone: problem.zones[node.zone]) }
    let edges = problem.edges.compactMap { edge -> TrafficEdges.Edge? in
      guard let u = input.references[edge.u], let v = input.references[edge.v] else { return nil }
      return TrafficEdges.Edge(WorkloadReference(u), WorkloadReference(v), traffic: edge.traffic)
    }
    set(traffic: TrafficEdges(edges, weights: problem.weights))
  }
}
