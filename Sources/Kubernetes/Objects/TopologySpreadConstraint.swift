/// How evenly pods must be spread over the values of a node label.
package struct TopologySpreadConstraint: Codable, Hashable, Sendable {
  /// By how much the number of pods in a domain may be above the emptiest one's.
  package var maxSkew: Int32
  /// The node label whose values are the domains.
  package var topologyKey: String
  /// `DoNotSchedule` or `ScheduleAnyway`.
  package var whenUnsatisfiable: String
  /// The pods that are counted; nil selects none.
  package var labelSelector: LabelSelector?
  /// With fewer domains than this, the emptiest one counts as having no pod.
  package var minDomains: Int32?
  /// Whether only nodes that the pod's node affinity allows are counted: `Honor` (also where nil) or `Ignore`.
  package var nodeAffinityPolicy: String?
  /// Whether nodes with taints that the pod does not tolerate are left out: `Honor` or `Ignore` (also where nil).
  package var nodeTaintsPolicy: String?
  /// Labels whose value must be the same as in the pod that has the constraint.
  package var matchLabelKeys: [String]?

  /// Whether the constraint counts a pod, for a pod `own` that has the constraint.
  package func counts(_ pod: PodIdentity, for own: PodIdentity) -> Bool {
    pod.namespace == own.namespace && labelSelector?.matches(pod.labels) ?? false
      && (matchLabelKeys ?? []).allSatisfy { own.labels[$0] == nil || pod.labels[$0] == own.labels[$0] }
  }
}
