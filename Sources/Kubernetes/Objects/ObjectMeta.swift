/// What names and marks an object.
package struct ObjectMeta: Codable, Hashable, Sendable {
  /// The name; unique for the kind within its namespace.
  package var name: String
  /// The namespace; nil for objects of the cluster, and in manifests that leave it to whoever applies them.
  package var namespace: String?
  /// The identity that the API server gave the object; nil in manifests.
  package var uid: String?
  /// The labels.
  package var labels: [String: String]?
  /// The annotations.
  package var annotations: [String: String]?
  /// The objects that this one belongs to.
  package var ownerReferences: [OwnerReference]?
  /// When the object was made, as RFC 3339 text; nil in manifests.
  package var creationTimestamp: String?
  /// When the object was asked to go away, as RFC 3339 text; nil for one that stays.
  package var deletionTimestamp: String?

  /// The owner that controls the object: there is at most one.
  package var controller: OwnerReference? { ownerReferences?.first { $0.controller == true } }
}

/// The metadata of a pod template: what every pod made from it gets.
package struct TemplateMeta: Codable, Hashable, Sendable {
  /// The labels.
  package var labels: [String: String]?
  /// The annotations.
  package var annotations: [String: String]?

  /// Makes metadata.
  package init(labels: [String: String]? = nil, annotations: [String: String]? = nil) {
    self.labels = labels
    self.annotations = annotations
  }
}

/// Names an owner of an object, in the object's own namespace or of the cluster.
package struct OwnerReference: Codable, Hashable, Sendable {
  /// Group and version of the owner, such as `apps/v1`.
  package var apiVersion: String?
  /// Kind of the owner, such as `ReplicaSet`.
  package var kind: String
  /// Name of the owner.
  package var name: String
  /// Whether this owner manages the object.
  package var controller: Bool?
}
