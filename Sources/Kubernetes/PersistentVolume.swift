/// A volume of the cluster.
public struct PersistentVolume: Codable, Hashable, Sendable {
  /// The name.
  public var metadata: ObjectMeta
  /// What it is.
  public var spec: PersistentVolumeSpec?
}

/// What a volume is.
public struct PersistentVolumeSpec: Codable, Hashable, Sendable {
  /// The nodes from which it can be reached; nil for all.
  public var nodeAffinity: VolumeNodeAffinity?
}

/// The nodes from which a volume can be reached.
public struct VolumeNodeAffinity: Codable, Hashable, Sendable {
  /// Selects the nodes.
  public var required: NodeSelector?
}

/// A claim of a volume.
public struct PersistentVolumeClaim: Codable, Hashable, Sendable {
  /// The name.
  public var metadata: ObjectMeta
  /// What it claims.
  public var spec: PersistentVolumeClaimSpec?
}

/// What a claim claims.
public struct PersistentVolumeClaimSpec: Codable, Hashable, Sendable {
  /// The volume that it is bound to; nil before.
  public var volumeName: String?
}

extension PersistentVolume {
  /// Whether the volume can be reached from a node.
  public func isReachable(from node: Node) -> Bool {
    spec?.nodeAffinity?.required?.matches(node) ?? true
  }
}
