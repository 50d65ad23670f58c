/// Names a kind of object as the API server's paths do.
public struct APIResource: Hashable, Sendable {
  /// The API group, such as `apps`; empty for the core group.
  public var group: String
  /// The version, such as `v1`.
  public var version: String
  /// The name in paths, such as `deployments`.
  public var plural: String
  /// Whether the objects belong to namespaces.
  public var isNamespaced: Bool

  /// Makes a resource.
  public init(group: String = "", version: String = "v1", plural: String, isNamespaced: Bool = true) {
    self.group = group
    self.version = version
    self.plural = plural
    self.isNamespaced = isNamespaced
  }

  /// Group and version as objects give them in `apiVersion`.
  public var apiVersion: String { group.isEmpty ? version : "\(group)/\(version)" }
}

extension APIResource: CustomStringConvertible {
  /// `deployments.apps`, as kubectl calls them.
  public var description: String { group.isEmpty ? plural : "\(plural).\(group)" }
}

extension APIResource {
  /// Nodes.
  public static let nodes = APIResource(plural: "nodes", isNamespaced: false)
  /// Namespaces.
  public static let namespaces = APIResource(plural: "namespaces", isNamespaced: false)
  /// Pods.
  public static let pods = APIResource(plural: "pods")
  /// Services.
  public static let services = APIResource(plural: "services")
  /// Events, of the core group.
  public static let events = APIResource(plural: "events")
  /// ConfigMaps.
  public static let configMaps = APIResource(plural: "configmaps")
  /// PersistentVolumes.
  public static let persistentVolumes = APIResource(plural: "persistentvolumes", isNamespaced: false)
  /// PersistentVolumeClaims.
  public static let persistentVolumeClaims = APIResource(plural: "persistentvolumeclaims")
  /// StorageClasses.
  public static let storageClasses = APIResource(
    group: "storage.k8s.io", plural: "storageclasses", isNamespaced: false)
  /// CSINodes.
  public static let csiNodes = APIResource(group: "storage.k8s.io", plural: "csinodes", isNamespaced: false)
  /// Deployments.
  public static let deployments = APIResource(group: "apps", plural: "deployments")
  /// StatefulSets.
  public static let statefulSets = APIResource(group: "apps", plural: "statefulsets")
  /// DaemonSets.
  public static let daemonSets = APIResource(group: "apps", plural: "daemonsets")
  /// ReplicaSets.
  public static let replicaSets = APIResource(group: "apps", plural: "replicasets")
  /// Jobs.
  public static let jobs = APIResource(group: "batch", plural: "jobs")
  /// Leases.
  public static let leases = APIResource(group: "coordination.k8s.io", plural: "leases")
}
