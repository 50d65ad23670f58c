import Foundation
import Kubernetes
import Placement
import Planner
import Traffic

/// A cluster as manifests, and its traffic as CSV.
struct SampleCluster {
  /// The CPUs of each node.
  var nodes = ["n1": 4, "n2": 4]
  /// Replicas and millicores of each Deployment in the namespace `shop`.
  var workloads: [String: (replicas: Int, cpu: Int)] = ["a": (1, 1000), "b": (1, 1000), "c": (1, 1000)]
  /// Bytes per second between two of them.
  var traffic: [(String, String, Double)] = [("a", "b", 100)]

  var manifests: String {
    let nodes = nodes.sorted { $0.key < $1.key }.map { name, cpu in
      """
      apiVersion: v1
      kind: Node
      metadata: {name: \(name)}
      status: {allocatable: {cpu: "\(cpu)", memory: 8Gi, pods: "10"}}
      """
    }
    let workloads = workloads.sorted { $0.key < $1.key }.map { name, wanted in
      """
      apiVersion: apps/v1
      kind: Deployment
      metadata: {name: \(name), namespace: shop}
      spec:
        replicas: \(wanted.replicas)
        selector: {matchLabels: {app: \(name)}}
        template:
          metadata: {labels: {app: \(name)}}
          spec: {containers: [{name: c, image: c, resources: {requests: {cpu: \(wanted.cpu)m}}}]}
      """
    }
    return (nodes + workloads).joined(separator: "\n---\n")
  }

  func input() throws -> PlanInput {
    var snapshot = ClusterSnapshot()
    try snapshot.read(Array(manifests.utf8), source: "sample")
    var graph = TrafficGraph()
    for (source, destination, bytes) in traffic {
      graph.add(
        source: graph.index(of: TrafficEndpoint(namespace: "shop", name: source)),
        destination: graph.index(of: TrafficEndpoint(namespace: "shop", name: destination)),
        bytesPerSecond: bytes, requestsPerSecond: nil)
    }
    return try PlanInput(ClusterProblem(snapshot), graph)
  }
}

/// A plan of Deployments in the namespace `shop`.
func plan(_ placements: [String: [String: Int]]) -> PlacementPlan {
  PlacementPlan(
    name: "sample",
    placements: placements.sorted { $0.key < $1.key }.map { workload, nodes in
      PlacementPlan.Placement(
        workload: PlacementPlan.WorkloadReference(kind: "Deployment", namespace: "shop", name: workload),
        nodes: nodes.sorted { $0.key < $1.key }.map { PlacementPlan.NodeShare(name: $0.key, replicas: $0.value) })
    }, status: nil)
}
