/// A kind of volumes: who makes them, when, and where.
package struct StorageClass: Codable, Hashable, Sendable {
  /// The name, and whether it is the default.
  package var metadata: ObjectMeta
  /// The driver that makes the volumes; `kubernetes.io/no-provisioner` where nobody does.
  package var provisioner: String?
  /// `Immediate` (also where nil) or `WaitForFirstConsumer`.
  package var volumeBindingMode: String?
  /// Where volumes can be made; nil or empty for everywhere.
  package var allowedTopologies: [TopologySelectorTerm]?

  /// Whether claims that name no class get this one.
  package var isDefault: Bool {
    ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"].contains {
      metadata.annotations?[$0] == "true"
    }
  }

  /// Whether volumes are bound only when a pod that wants one is scheduled, where the pod goes.
  package var waitsForPods: Bool { volumeBindingMode == "WaitForFirstConsumer" }

  /// Whether volumes are made on demand.
  package var makesVolumes: Bool {
    provisioner.map { !$0.isEmpty && $0 != "kubernetes.io/no-provisioner" } ?? false
  }

  /// Whether a volume can be made that is reached from a node.
  package func canMakeVolume(for node: Node) -> Bool {
    let terms = allowedTopologies ?? []
    return makesVolumes && (terms.isEmpty || terms.contains { $0.matches(node) })
  }
}

/// Labels of nodes, all of which must have one of the values.
package struct TopologySelectorTerm: Codable, Hashable, Sendable {
  /// A label, and its values.
  package struct Requirement: Codable, Hashable, Sendable {
    /// The label.
    package var key: String
    /// The values.
    package var values: [String]?
  }

  /// The requirements.
  package var matchLabelExpressions: [Requirement]?

  /// Whether a node has them all. A term without any matches no node.
  package func matches(_ node: Node) -> Bool {
    let requirements = matchLabelExpressions ?? []
    return !requirements.isEmpty
      && requirements.allSatisfy { requirement in
        node.labels[requirement.key].map { (requirement.values ?? []).contains($0) } ?? false
      }
  }
}
