/// Names a kind of object as the API server's paths do.
package struct APIResource: Hashable, Sendable {
  /// The API group, such as `apps`; empty for the core group.
  package var group: String
  /// The version, such as `v1`.
  package var version: String
  /// The name in paths, such as `deployments`.
  package var plural: String
  /// Whether the objects belong to namespaces.
  package var isNamespaced: Bool

  /// Makes a resource.
  package init(group: String = "", version: String = "v1", plural: String, isNamespaced: Bool = true) {
    self.group = group
    self.version = version
    self.plural = plural
    self.isNamespaced = isNamespaced
  }

  /// Group and version as objects give them in `apiVersion`.
  package var apiVersion: String { group.isEmpty ? version : "\(group)/\(version)" }
}

extension APIResource: CustomStringConvertible {
  /// `deployments.apps`, as kubectl calls them.
  package var description: String { group.isEmpty ? plural : "\(plural).\(group)" }
}

extension APIResource {
  /// Nodes.
  package static let nodes = APIResource(plural: "nodes", isNamespaced: false)
  /// Namespaces.
  package static let namespaces = APIResource(plural: "namespaces", isNamespaced: false)
  /// Pods.
  package static let pods = APIResource(plural: "pods")
  /// Services.
  package static let services = APIResource(plural: "services")
  /// Events, of the core group.
  package static let events = APIResource(plural: "events")
  /// ConfigMaps.
  package static let configMaps = APIResource(plural: "configmaps")
  /// PersistentVolumes.
  package static let persistentVolumes = APIResource(plural: "persistentvolumes", isNamespaced: false)
  /// PersistentVolumeClaims.
  package static let persistentVolumeClaims = APIResource(plural: "persistentvolumeclaims")
  /// StorageClasses.
  package static let storageClasses = APIResource(
    group: "storage.k8s.io", plural: "storageclasses", isNamespaced: false)
  /// CSINodes.
  package static let csiNodes = APIResource(group: "storage.k8s.io", plural: "csinodes", isNamespaced: false)
  /// Deployments.
  package static let deployments = APIResource(group: "apps", plural: "deployments")
  /// StatefulSets.
  package static let statefulSets = APIResource(group: "apps", plural: "statefulsets")
  /// DaemonSets.
  package static let daemonSets = APIResource(group: "apps", plural: "daemonsets")
  /// ReplicaSets.
  package static let replicaSets = APIResource(group: "apps", plural: "replicasets")
  /// Jobs.
  package static let jobs = APIResource(group: "batch", plural: "jobs")
  /// Leases.
  package static let leases = APIResource(group: "coordination.k8s.io", plural: "leases")
}
