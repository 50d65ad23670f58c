import Kubernetes
import Placement
package import Planner
package import Traffic

extension ExtenderState {
  /// Takes the nodes of a planner's input, and who talks to whom in it.
  package mutating func set(_ input: PlanInput) {
    let problem = input.problem
    for node in problem.nodes { set(node: node.name, zone: problem.zones[node.zone]) }
    let edges = problem.edges.compactMap { edge -> TrafficEdges.Edge? in
      guard let u = input.references[edge.u], let v = input.references[edge.v] else { return nil }
      return TrafficEdges.Edge(WorkloadReference(u), WorkloadReference(v), traffic: edge.traffic)
    }
    set(traffic: TrafficEdges(edges, weights: problem.weights))
  }
}

extension TrafficEdges {
  /// Takes the traffic between the workloads of a cluster.
  ///
  /// Throws `PlanningError` where the map speaks of what the cluster does not have, or the traffic is of several
  /// clusters and it is not clear of which.
  package init(
    _ traffic: ObservedTraffic, in cluster: ClusterProblem, map: EndpointMap = EndpointMap()
  ) throws(PlanningError) {
    let resolver = try EndpointResolver(cluster, map: map)
    let (seen, _) = try traffic.seen(from: map.clusterNames, resolver)
    let traffic = ResolvedTraffic(seen, resolver) { cluster.problem.workloads[$0].name }
    self.init(
      traffic.edges.compactMap { edge in
        guard case .workload(let u) = edge.u, case .workload(let v) = edge.v else { return nil }
        return Edge(cluster.workloads[u], cluster.workloads[v], traffic: edge.traffic)
      })
  }
}
