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

/// Pods, and the node label whose value is to be shared (or not shared) with them.
public struct PodAffinityTerm: Codable, Hashable, Sendable {
  /// Labels of the pods; nil selects none.
  public var labelSelector: LabelSelector?
  /// Namespaces of the pods; with no ``namespaceSelector`` either, the namespace of the pod that has the term.
  public var namespaces: [String]?
  /// Labels of further namespaces of the pods; an empty selector selects all namespaces.
  public var namespaceSelector: LabelSelector?
  /// The node label that defines what is next to each other.
  public var topologyKey: String
  /// Labels whose value must be the same as in the pod that has the term.
  public var matchLabelKeys: [String]?
  /// Labels whose value must not be the same as in the pod that has the term.
  public var mismatchLabelKeys: [String]?

  /// Whether the term selects a pod, for a pod with labels `own` in the namespace `ownNamespace` that has the term.
  ///
  /// Of namespace selectors only the empty one is understood (namespaces are not given); another selects none.
  public func selects(
    labels: [String: String], namespace: String, own: [String: String], ownNamespace: String
  ) -> Bool {
    let allNamespaces = namespaceSelector.map { $0.matches([:]) && !$0.hasRequirements } ?? false
    let listed = namespaces ?? []
    let isInNamespaces =
      allNamespaces
      || (listed.isEmpty && namespaceSelector == nil ? namespace == ownNamespace : listed.contains(namespace))
    guard isInNamespaces, let labelSelector, labelSelector.matches(labels) else { return false }
    return (matchLabelKeys ?? []).allSatisfy { own[$0] == nil || labels[$0] == own[$0] }
      && (mismatchLabelKeys ?? []).allSatisfy { own[$0] == nil || labels[$0] != own[$0] }
  }
}

extension LabelSelector {
  /// Whether there is any requirement; a selector without one selects everything.
  public var hasRequirements: Bool { !(matchLabels ?? [:]).isEmpty || !(matchExpressions ?? []).isEmpty }
}

/// How evenly pods must be spread over the values of a node label.
public struct TopologySpreadConstraint: Codable, Hashable, Sendable {
  /// By how much the number of pods in a domain may be above the emptiest one's.
  public var maxSkew: Int
  /// The node label whose values are the domains.
  public var topologyKey: String
  /// `DoNotSchedule` or `ScheduleAnyway`.
  public var whenUnsatisfiable: String
  /// The pods that are counted; nil selects none.
  public var labelSelector: LabelSelector?
  /// With fewer domains than this, the emptiest one counts as having no pod.
  public var minDomains: Int?
  /// Whether only nodes that the pod's node affinity allows are counted: `Honor` (also where nil) or `Ignore`.
  public var nodeAffinityPolicy: String?
  /// Whether nodes with taints that the pod does not tolerate are left out: `Honor` or `Ignore` (also where nil).
  public var nodeTaintsPolicy: String?
  /// Labels whose value must be the same as in the pod that has the constraint.
  public var matchLabelKeys: [String]?

  /// Whether the constraint counts a pod, for a pod with labels `own` that has the constraint. The caller sees to it
  /// that both are in the same namespace.
  public func counts(labels: [String: String], own: [String: String]) -> Bool {
    guard let labelSelector, labelSelector.matches(labels) else { return false }
    return (matchLabelKeys ?? []).allSatisfy { own[$0] == nil || labels[$0] == own[$0] }
  }
}
