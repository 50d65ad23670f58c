/// Where pods may and would like to run, relative to nodes and to other pods.
public struct Affinity: Codable, Hashable, Sendable {
  /// Relative to nodes.
  public var nodeAffinity: NodeAffinity?
  /// Next to other pods.
  public var podAffinity: PodAffinity?
  /// Away from other pods.
  public var podAntiAffinity: PodAffinity?
}

/// Where pods may and would like to run, by node labels.
public struct NodeAffinity: Codable, Hashable, Sendable {
  /// The nodes where the pod may run.
  public var requiredDuringSchedulingIgnoredDuringExecution: NodeSelector?
  /// The nodes where it would rather run.
  public var preferredDuringSchedulingIgnoredDuringExecution: [Preference]?

  /// A soft wish; only that it is there matters.
  public struct Preference: Codable, Hashable, Sendable {
    /// How much it is worth, 1 to 100.
    public var weight: Int?
  }
}

/// Which pods a pod must and would like to be next to (or away from).
public struct PodAffinity: Codable, Hashable, Sendable {
  /// What must hold.
  public var requiredDuringSchedulingIgnoredDuringExecution: [PodAffinityTerm]?
  /// What would be nice.
  public var preferredDuringSchedulingIgnoredDuringExecution: [NodeAffinity.Preference]?
}
