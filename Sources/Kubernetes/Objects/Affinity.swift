/// Where pods may and would like to run, relative to nodes and to other pods.
package struct Affinity: Codable, Hashable, Sendable {
  /// Relative to nodes.
  package var nodeAffinity: NodeAffinity?
  /// Next to other pods.
  package var podAffinity: PodAffinity?
  /// Away from other pods.
  package var podAntiAffinity: PodAffinity?
}

/// Where pods may and would like to run, by node labels.
package struct NodeAffinity: Codable, Hashable, Sendable {
  /// The nodes where the pod may run.
  package var requiredDuringSchedulingIgnoredDuringExecution: NodeSelector?
  /// The nodes where it would rather run.
  package var preferredDuringSchedulingIgnoredDuringExecution: [Preference]?

  /// A soft wish; only that it is there matters.
  package struct Preference: Codable, Hashable, Sendable {
    /// How much it is worth, 1 to 100.
    package var weight: Int?
  }
}

/// Which pods a pod must and would like to be next to (or away from).
package struct PodAffinity: Codable, Hashable, Sendable {
  /// What must hold.
  package var requiredDuringSchedulingIgnoredDuringExecution: [PodAffinityTerm]?
  /// What would be nice.
  package var preferredDuringSchedulingIgnoredDuringExecution: [NodeAffinity.Preference]?
}
