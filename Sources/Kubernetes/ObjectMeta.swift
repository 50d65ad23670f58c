/// What names and marks an object.
public struct ObjectMeta: Codable, Hashable, Sendable {
  /// The name; unique for the kind within its namespace.
  public var name: String
  /// The namespace; nil for objects of the cluster, and in manifests that leave it to whoever applies them.
  public var namespace: String?
  /// The identity that the API server gave the object; nil in manifests.
  public var uid: String?
  /// The labels.
  public var labels: [String: String]?
  /// The annotations.
  public var annotations: [String: String]?
  /// The objects that this one belongs to.
  public var ownerReferences: [OwnerReference]?
  /// When the object was made, as RFC 3339 text; nil in manifests.
  public var creationTimestamp: String?
  /// When the object was asked to go away, as RFC 3339 text; nil for one that stays.
  public var deletionTimestamp: String?

  /// The owner that controls the object: there is at most one.
  public var controller: OwnerReference? { ownerReferences?.first { $0.controller == true } }
}

/// The metadata of a pod template: what every pod made from it gets.
public struct TemplateMeta: Codable, Hashable, Sendable {
  /// The labels.
  public var labels: [String: String]?
  /// The annotations.
  public var annotations: [String: String]?

  /// Makes metadata.
  public init(labels: [String: String]? = nil, annotations: [String: String]? = nil) {
    self.labels = labels
    self.annotations = annotations
  }
}

/// Names an owner of an object, in the object's own namespace or of the cluster.
public struct OwnerReference: Codable, Hashable, Sendable {
  /// Group and version of the owner, such as `apps/v1`.
  public var apiVersion: String?
  /// Kind of the owner, such as `ReplicaSet`.
  public var kind: String
  /// Name of the owner.
  public var name: String
  /// Whether this owner manages the object.
  public var controller: Bool?
}
