import Kubernetes
import Model
import Placement

@testable import Planner

/// Reads manifests as a user would give them.
func snapshot(_ manifests: String...) throws -> ClusterSnapshot {
  var snapshot = ClusterSnapshot()
  for manifest in manifests { try snapshot.read(Array(manifest.utf8), source: "test.yaml") }
  return snapshot
}

/// A node in YAML.
func node(
  _ name: String, zone: String? = nil, labels: String = "", spec: String = "{}", cpu: String = "4",
  memory: String = "8Gi", isReady: Bool = true
) -> String {
  """
  ---
  apiVersion: v1
  kind: Node
  metadata:
    name: \(name)
    labels: {kubernetes.io/hostname: \(name)\(zone.map { ", topology.kubernetes.io/zone: \($0)" } ?? "")\(labels.isEmpty ? "" : ", \(labels)")}
  spec: \(spec)
  status: {allocatable: {cpu: "\(cpu)", memory: \(memory), pods: "110"}\(isReady ? "" : ", conditions: [{type: Ready, status: Unknown}]")}

  """
}

/// A workload in YAML; `spec` is the pods' spec in flow style, without its containers.
func workload(
  _ name: String, kind: String = "Deployment", namespace: String = "shop", replicas: Int = 1, labels: String = "",
  requests: String = "cpu: 500m", spec: String = ""
) -> String {
  """
  ---
  apiVersion: apps/v1
  kind: \(kind)
  metadata: {name: \(name), namespace: \(namespace)}
  spec:
    replicas: \(replicas)
    template:
      metadata: {labels: {app: \(name)\(labels.isEmpty ? "" : ", \(labels)")}}
      spec: {containers: [{name: main, resources: {requests: {\(requests)}}}]\(spec.isEmpty ? "" : ", \(spec)")}

  """
}

/// A pod in YAML; `owner` is `Kind/name`.
func pod(
  _ name: String, namespace: String = "shop", on node: String? = nil, owner: String? = nil, labels: String = "",
  requests: String = "cpu: 500m", spec: String = "", phase: String = "Running", metadata: String = ""
) -> String {
  let parts = owner?.split(separator: "/") ?? []
  let owners = parts.count == 2 ? ", ownerReferences: [{kind: \(parts[0]), name: \(parts[1]), controller: true}]" : ""
  return """
    ---
    apiVersion: v1
    kind: Pod
    metadata: {name: \(name), namespace: \(namespace), labels: {\(labels)}\(owners)\(metadata.isEmpty ? "" : ", \(metadata)")}
    spec: {containers: [{name: main, resources: {requests: {\(requests)}}}]\(node.map { ", nodeName: \($0)" } ?? "")\(spec.isEmpty ? "" : ", \(spec)")}
    status: {phase: \(phase)}

    """
}
