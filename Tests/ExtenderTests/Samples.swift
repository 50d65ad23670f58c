import Foundation
import Kubernetes
import Model
import NIOCore
import Planner

@testable import Extender

/// A Deployment in the namespace `shop`.
func deployment(_ name: String) -> WorkloadReference {
  WorkloadReference(kind: "Deployment", name: WorkloadName(namespace: "shop", name: name))
}

/// A replica of a Deployment in the namespace `shop`.
func replica(_ name: String, revision: String = "") -> ReplicaIdentity {
  ReplicaIdentity(.reference(deployment(name)), revision: revision)
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

extension ExtenderState {
  /// A state with nodes, given with their zones.
  init(nodes: KeyValuePairs<String, String>, isEnforcing: Bool = false) {
    self.init(isEnforcing: isEnforcing)
    for (node, zone) in nodes { set(node: node, zone: zone) }
  }

  /// Scores by the names of nodes.
  func scores(_ identity: ReplicaIdentity?, _ names: [String]) -> (scores: [Int], fit: PlanFit) {
    let answer = scores(for: identity, on: names.map { Int32(nodes.number(of: $0) ?? -1) })
    return (answer.scores.map(Int.init), answer.fit)
  }

  /// The nodes among some where a pod may run.
  func allowed(_ identity: ReplicaIdentity?, _ names: [String]) -> [String] {
    guard let allowed = allowed(identity, among: names.map({ Int32(nodes.number(of: $0) ?? -1) })) else { return names }
    return zip(names, allowed).filter { $0.1 }.map(\.0)
  }
}

/// A pod as the API server has it, of a Deployment in the namespace `shop`.
func pod(_ name: String, of workload: String, uid: String? = nil, hash: String = "abc12") -> String {
  """
  {"metadata": {"name": "\(name)", "namespace": "shop", "uid": "\(uid ?? "uid-" + name)",
   "labels": {"app": "\(workload)", "pod-template-hash": "\(hash)"},
   "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "\(workload)-\(hash)", "controller": true}]},
   "spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": "1"}}}]}}
  """
}

/// A request with the names of nodes.
func request(_ pod: String, names: [String]) -> ByteBuffer {
  ByteBuffer(
    string: #"{"Pod": \#(pod), "Nodes": null, "NodeNames": [\#(names.map { "\"\($0)\"" }.joined(separator: ","))]}"#)
}

/// A request with whole nodes.
func request(_ pod: String, nodes: [String]) -> ByteBuffer {
  let items = nodes.map {
    #"{"metadata": {"labels": {"a": "b"}, "name": "\#($0)"}, "status": {"x": [1, 2.5e3, "\"}"]}}"#
  }
  return ByteBuffer(
    string:
      #"{"Pod": \#(pod), "Nodes": {"metadata": {}, "items": [\#(items.joined(separator: ", "))]}, "NodeNames": null}"#)
}

extension Answer {
  /// The answer as JSON.
  var json: Any {
    get throws { try JSONSerialization.jsonObject(with: Data(joined.readableBytesView), options: .fragmentsAllowed) }
  }

  /// An answer to `/prioritize` as pairs, less those of score 0.
  var scores: [String: Int] {
    get throws {
      let list = try json as? [[String: Any]] ?? []
      return Dictionary(uniqueKeysWithValues: list.map { ($0["Host"] as? String ?? "", $0["Score"] as? Int ?? -1) })
    }
  }
}
