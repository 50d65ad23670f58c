import Formats
package import Model

extension APIClient {
  /// Assigns a pod to a node, as a scheduler does.
  ///
  /// - Parameters:
  ///   - pod: The pod.
  ///   - uid: The identity that the pod must have; nil for any. API servers of long ago (1.20) do not look at it.
  ///   - node: The node's name.
  ///
  /// A pod that has a node already is ``APIError/isConflict``.
  package func bind(_ pod: ObjectKey, uid: String? = nil, to node: String) async throws {
    var metadata: JSONValue = ["name": .string(pod.name), "namespace": .string(pod.namespace)]
    metadata["uid"] = uid.map(JSONValue.string)
    let binding: JSONValue = [
      "apiVersion": "v1", "kind": "Binding", "metadata": metadata,
      "target": ["apiVersion": "v1", "kind": "Node", "name": .string(node)],
    ]
    _ = try await create(.pods, binding, in: pod.namespace, subresource: "binding", of: pod.name)
  }

  /// Asks a pod to leave its node, as far as its disruption budgets allow: else the error has status 429, and is not
  /// tried again here.
  package func evict(_ pod: ObjectKey, gracePeriod: Duration? = nil) async throws {
    do {
      try await evict(pod, gracePeriod, apiVersion: "policy/v1")
    } catch let error as APIError where error.status?.code == 400 {
      // API servers before 1.22 know it by this version only.
      try await evict(pod, gracePeriod, apiVersion: "policy/v1beta1")
    }
  }

  private func evict(_ pod: ObjectKey, _ gracePeriod: Duration?, apiVersion: String) async throws {
    var eviction: JSONValue = [
      "apiVersion": .string(apiVersion), "kind": "Eviction",
      "metadata": ["name": .string(pod.name), "namespace": .string(pod.namespace)],
    ]
    if let gracePeriod { eviction["deleteOptions"] = ["gracePeriodSeconds": .integer(gracePeriod.components.seconds)] }
    let path = try path(.pods, in: pod.namespace, name: pod.name, subresource: "eviction")
    var call = APICall(method: "POST", path: path, body: try encoded(eviction))
    call.isRepeatable = false
    call.retries = .never
    _ = try await object(call)
  }
}
