/// A node of the cluster.
public struct Node: Codable, Hashable, Sendable {
  /// Name and labels.
  public var metadata: ObjectMeta
  /// Taints and whether it is cordoned.
  public var spec: NodeSpec?
  /// Capacity and conditions.
  public var status: NodeStatus?
}

/// How a node wants to be used.
public struct NodeSpec: Codable, Hashable, Sendable {
  /// Whether the node is cordoned.
  public var unschedulable: Bool?
  /// The taints.
  public var taints: [Taint]?
}

/// What a node has, and how it is.
public struct NodeStatus: Codable, Hashable, Sendable {
  /// What the machine has in all.
  public var capacity: [String: Quantity]?
  /// What is there for pods.
  public var allocatable: [String: Quantity]?
  /// Conditions, such as `Ready`.
  public var conditions: [Condition]?
}

/// One aspect of an object's state.
public struct Condition: Codable, Hashable, Sendable {
  /// What it speaks of, such as `Ready`.
  public var type: String
  /// `True`, `False` or `Unknown`.
  public var status: String
  /// One word on why; nil where nobody says.
  public var reason: String?
}

extension Node {
  /// What the node has for pods, by resource name: `status.allocatable`, or `status.capacity` where that is missing.
  public var allocatable: [String: Quantity] { status?.allocatable ?? status?.capacity ?? [:] }

  /// Whether a condition says that the node is not ready; a node without the condition is taken for ready.
  public var isKnownNotReady: Bool {
    status?.conditions?.contains { $0.type == "Ready" && $0.status != "True" } ?? false
  }

  /// The labels; empty where there are none.
  public var labels: [String: String] { metadata.labels ?? [:] }
}
