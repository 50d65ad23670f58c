/// A node of the cluster.
package struct Node: Codable, Hashable, Sendable {
  /// Name and labels.
  package var metadata: ObjectMeta
  /// Taints and whether it is cordoned.
  package var spec: NodeSpec?
  /// Capacity and conditions.
  package var status: NodeStatus?
}

/// How a node wants to be used.
package struct NodeSpec: Codable, Hashable, Sendable {
  /// Whether the node is cordoned.
  package var unschedulable: Bool?
  /// The taints.
  package var taints: [Taint]?
}

/// What a node has, and how it is.
package struct NodeStatus: Codable, Hashable, Sendable {
  /// What the machine has in all.
  package var capacity: [String: Quantity]?
  /// What is there for pods.
  package var allocatable: [String: Quantity]?
  /// Conditions, such as `Ready`.
  package var conditions: [Condition]?
}

/// One aspect of an object's state.
package struct Condition: Codable, Hashable, Sendable {
  /// What it speaks of, such as `Ready`.
  package var type: String
  /// `True`, `False` or `Unknown`.
  package var status: String
  /// One word on why; nil where nobody says.
  package var reason: String?
}

extension Node {
  /// What the node has for pods, by resource name: `status.allocatable`, or `status.capacity` where that is missing.
  package var allocatable: [String: Quantity] { status?.allocatable ?? status?.capacity ?? [:] }

  /// Whether a condition says that the node is not ready; a node without the condition is taken for ready.
  package var isKnownNotReady: Bool {
    status?.conditions?.contains { $0.type == "Ready" && $0.status != "True" } ?? false
  }

  /// The labels; empty where there are none.
  package var labels: [String: String] { metadata.labels ?? [:] }
}
