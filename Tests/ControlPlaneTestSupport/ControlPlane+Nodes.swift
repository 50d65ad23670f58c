import Formats
package import Kubernetes

extension ControlPlane {
  /// Makes a node that is ready and takes pods, though no kubelet stands behind it.
  ///
  /// - Parameters:
  ///   - name: The node's name.
  ///   - capacity: What it has for pods, by resource.
  ///   - labels: Its labels.
  ///   - client: Who makes it.
  package static func addNode(
    _ name: String, capacity: [String: String] = ["cpu": "4", "memory": "8Gi", "pods": "110"],
    labels: [String: String] = [:], with client: APIClient
  ) async throws {
    let node: JSONValue = [
      "apiVersion": "v1", "kind": "Node",
      "metadata": ["name": .string(name), "labels": .object(labels.mapValues(JSONValue.string))],
    ]
    _ = try await client.create(.nodes, node)
    let amounts = JSONValue.object(capacity.mapValues(JSONValue.string))
    let ready: JSONValue = ["type": "Ready", "status": "True", "reason": "Test", "message": ""]
    let status: JSONValue = ["status": ["capacity": amounts, "allocatable": amounts, "conditions": [ready]]]
    _ = try await client.patch(.nodes, name, .merge(status), subresource: "status")
    // The API server taints each new node as not ready, and waits for a controller to say otherwise.
    _ = try await client.patch(.nodes, name, .merge(["spec": ["taints": nil]] as JSONValue))
  }
}
