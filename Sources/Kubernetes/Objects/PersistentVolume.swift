package import Model

/// A volume of the cluster.
package struct PersistentVolume: Codable, Hashable, Sendable {
  /// The name, and labels that may say where it is.
  package var metadata: ObjectMeta
  /// What it is.
  package var spec: PersistentVolumeSpec?
  /// How it is.
  package var status: PersistentVolumeStatus?
}

/// What a volume is.
package struct PersistentVolumeSpec: Codable, Hashable, Sendable {
  /// The nodes from which it can be reached; nil for all.
  package var nodeAffinity: VolumeNodeAffinity?
  /// The driver that attaches it; nil for a volume without one.
  package var csi: Source?
  /// How much of what it has; `storage` alone.
  package var capacity: [String: Quantity]?
  /// How it may be used, such as `ReadWriteOnce`.
  package var accessModes: [String]?
  /// The StorageClass that it belongs to; nil or empty for none.
  package var storageClassName: String?
  /// The claim that it is bound to, or kept for; nil where it is free.
  package var claimRef: ClaimReference?

  /// A volume of a driver.
  package struct Source: Codable, Hashable, Sendable {
    /// The driver.
    package var driver: String
    /// What the driver calls the volume.
    package var volumeHandle: String?
  }

  /// Names a claim.
  package struct ClaimReference: Codable, Hashable, Sendable {
    /// The namespace.
    package var namespace: String?
    /// The name.
    package var name: String?
  }
}

/// How a volume is.
package struct PersistentVolumeStatus: Codable, Hashable, Sendable {
  /// `Pending`, `Available`, `Bound`, `Released` or `Failed`.
  package var phase: String?
}

/// The nodes from which a volume can be reached.
package struct VolumeNodeAffinity: Codable, Hashable, Sendable {
  /// Selects the nodes.
  package var required: NodeSelector?
}

/// A claim of a volume.
package struct PersistentVolumeClaim: Codable, Hashable, Sendable {
  /// The name.
  package var metadata: ObjectMeta
  /// What it claims.
  package var spec: PersistentVolumeClaimSpec?

  /// The node that the volume is being made for; nil where none has been chosen.
  package var selectedNode: String? { metadata.annotations?["volume.kubernetes.io/selected-node"] }

  /// The StorageClass; nil where the claim names none, empty where it wants none.
  package var className: String? {
    metadata.annotations?["volume.beta.kubernetes.io/storage-class"] ?? spec?.storageClassName
  }
}

/// What a claim claims.
package struct PersistentVolumeClaimSpec: Codable, Hashable, Sendable {
  /// The volume that it is bound to; nil before.
  package var volumeName: String?
  /// The StorageClass; nil for the cluster's default, empty for none.
  package var storageClassName: String?
  /// How the volume is to be used, such as `ReadWriteOncePod`.
  package var accessModes: [String]?
  /// How much is asked for.
  package var resources: ResourceRequirements?
  /// Labels of the volume.
  package var selector: LabelSelector?

  /// Claims nothing in particular.
  package init() {}

  /// Whether one pod alone may use the volume, anywhere in the cluster.
  package var isForOnePod: Bool { accessModes?.contains("ReadWriteOncePod") ?? false }
}

extension PersistentVolume {
  /// Labels of volumes that name the only zones or regions from which they can be reached, and what nodes call them now.
  private static let places = [
    (old: "failure-domain.beta.kubernetes.io/zone", new: "topology.kubernetes.io/zone"),
    (old: "failure-domain.beta.kubernetes.io/region", new: "topology.kubernetes.io/region"),
  ]

  /// Whether the volume can be reached from a node: by its node affinity, and by the zone and region in its labels, which
  /// kube-scheduler's VolumeZone compares with those of nodes that have any.
  package func isReachable(from node: Node) -> Bool {
    guard spec?.nodeAffinity?.required?.matches(node) ?? true else { return false }
    guard Self.places.contains(where: { node.labels[$0.old] != nil || node.labels[$0.new] != nil }) else { return true }
    return Self.places.flatMap { [($0.old, $0.new), ($0.new, $0.new)] }.allSatisfy { key, translated in
      guard let text = metadata.labels?[key] else { return true }
      let values = text.split(separator: "__", omittingEmptySubsequences: false).map { $0.trimmed }
      // A label of several zones of which one is empty is none, as Kubernetes reads it.
      guard values.allSatisfy({ !$0.isEmpty }) else { return true }
      return (node.labels[key] ?? node.labels[translated]).map(values.contains) ?? false
    }
  }

  /// Whether a claim that is bound to nothing may be bound to the volume.
  package func isFree(for claim: PersistentVolumeClaimSpec, named name: WorkloadName, className: String) -> Bool {
    if let phase = status?.phase, phase == "Released" || phase == "Failed" { return false }
    if let owner = spec?.claimRef, owner.namespace != name.namespace || owner.name != name.name { return false }
    guard (spec?.storageClassName ?? "") == className, claim.selector?.matches(metadata.labels ?? [:]) ?? true else {
      return false
    }
    let modes = spec?.accessModes ?? []
    return (claim.accessModes ?? []).allSatisfy(modes.contains)
      && claim.resources?.requests?["storage"] ?? .zero <= spec?.capacity?["storage"] ?? .zero
  }
}

extension Substring {
  fileprivate var trimmed: String {
    String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }
}
