/// A mark on a node that keeps pods away that do not tolerate it.
package struct Taint: Codable, Hashable, Sendable {
  /// The key.
  package var key: String
  /// The value; nil is the same as empty.
  package var value: String?
  /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
  package var effect: String

  /// The taint that a cordoned node has, in effect.
  package static let unschedulable = Taint(key: "node.kubernetes.io/unschedulable", effect: "NoSchedule")

  /// The taint that Kubernetes gives a node which is not ready.
  package static let notReady = Taint(key: "node.kubernetes.io/not-ready", effect: "NoSchedule")
  /// The key of the taint that it gives a node of which nothing is heard.
  private static let unreachableKey = "node.kubernetes.io/unreachable"

  /// Whether the taint says that its node does not work.
  var isOfUnreadyNode: Bool { key == Self.notReady.key || key == Self.unreachableKey }

  /// Whether the taint keeps pods away that do not tolerate it; `PreferNoSchedule` does not.
  package var isHard: Bool { effect == "NoSchedule" || effect == "NoExecute" }
}

/// A pod's leave to run on nodes with some taints.
package struct Toleration: Codable, Hashable, Sendable {
  /// The key of the taints; nil or empty with `Exists` for every key.
  package var key: String?
  /// `Equal` (also where nil or empty) or `Exists`.
  package var `operator`: String?
  /// The value of the taints, for `Equal`.
  package var value: String?
  /// The effect of the taints; nil or empty for every effect.
  package var effect: String?
  /// For how long a pod stays once it is tainted with `NoExecute`; nil for as long as it likes.
  package var tolerationSeconds: Int64?

  /// Whether the toleration allows for a taint, by the rule of `core/v1`'s `ToleratesTaint`. An operator that is
  /// unknown here tolerates nothing.
  package func tolerates(_ taint: Taint) -> Bool {
    if let effect, !effect.isEmpty, effect != taint.effect { return false }
    if let key, !key.isEmpty, key != taint.key { return false }
    switch self.operator ?? "" {
    case "", "Equal": return (value ?? "") == (taint.value ?? "")
    case "Exists": return true
    default: return false
    }
  }
}

extension Node {
  /// The first taint that keeps a pod with these tolerations from being scheduled here; nil if there is none.
  ///
  /// A cordoned node counts as tainted with ``Taint/unschedulable``, one that is not ready with ``Taint/notReady``, though
  /// nobody may have written that down yet.
  package func untoleratedTaint(_ tolerations: [Toleration]) -> Taint? {
    var taints = spec?.taints ?? []
    if spec?.unschedulable == true { taints.append(.unschedulable) }
    if isKnownNotReady, !taints.contains(where: \.isOfUnreadyNode) { taints.append(.notReady) }
    return taints.first { taint in taint.isHard && !tolerations.contains { $0.tolerates(taint) } }
  }

  /// Whether a pod with these tolerations that runs here is evicted, at once or after a while: a taint with `NoExecute`
  /// that they do not tolerate for good.
  package func evicts(_ tolerations: [Toleration]) -> Bool {
    (spec?.taints ?? []).contains { taint in
      taint.effect == "NoExecute" && !tolerations.contains { $0.tolerationSeconds == nil && $0.tolerates(taint) }
    }
  }
}
