/// An object of the kinds that Tonari reads.
public protocol ClusterObject: Codable, Hashable, Sendable {
  /// The kind, such as `Deployment`.
  static var kind: String { get }
  /// The API groups that have the kind, the present one first; empty text for the core group.
  static var groups: [String] { get }
  /// What kubectl calls the objects for short.
  static var kubectlName: String { get }
  /// Whether objects of the kind are in namespaces; those that are not have their name alone, whatever an input says.
  static var isNamespaced: Bool { get }
  /// Name, namespace and labels.
  var metadata: ObjectMeta { get }
}

extension ClusterObject {
  /// Most kinds are in namespaces.
  public static var isNamespaced: Bool { true }
}

extension Node: ClusterObject {
  /// `Node`.
  public static let kind = "Node"
  /// The cluster has them, not a namespace.
  public static let isNamespaced = false
  /// `nodes`.
  public static let kubectlName = "nodes"
  /// The core group.
  public static let groups = [""]
}

extension Pod: ClusterObject {
  /// `Pod`.
  public static let kind = "Pod"
  /// `pods`.
  public static let kubectlName = "pods"
  /// The core group.
  public static let groups = [""]
}

extension Service: ClusterObject {
  /// `Service`.
  public static let kind = "Service"
  /// `svc`.
  public static let kubectlName = "svc"
  /// The core group.
  public static let groups = [""]
}

extension PersistentVolume: ClusterObject {
  /// `PersistentVolume`.
  public static let kind = "PersistentVolume"
  /// The cluster has them, not a namespace.
  public static let isNamespaced = false
  /// `pv`.
  public static let kubectlName = "pv"
  /// The core group.
  public static let groups = [""]
}

extension PersistentVolumeClaim: ClusterObject {
  /// `PersistentVolumeClaim`.
  public static let kind = "PersistentVolumeClaim"
  /// `pvc`.
  public static let kubectlName = "pvc"
  /// The core group.
  public static let groups = [""]
}

extension Deployment: ClusterObject {
  /// `Deployment`.
  public static let kind = "Deployment"
  /// `deploy`.
  public static let kubectlName = "deploy"
  /// `apps`, and `extensions` of long ago.
  public static let groups = ["apps", "extensions"]
}

extension StatefulSet: ClusterObject {
  /// `StatefulSet`.
  public static let kind = "StatefulSet"
  /// `sts`.
  public static let kubectlName = "sts"
  /// `apps`.
  public static let groups = ["apps"]
}

extension DaemonSet: ClusterObject {
  /// `DaemonSet`.
  public static let kind = "DaemonSet"
  /// `ds`.
  public static let kubectlName = "ds"
  /// `apps`, and `extensions` of long ago.
  public static let groups = ["apps", "extensions"]
}

extension ReplicaSet: ClusterObject {
  /// `ReplicaSet`.
  public static let kind = "ReplicaSet"
  /// `rs`.
  public static let kubectlName = "rs"
  /// `apps`, and `extensions` of long ago.
  public static let groups = ["apps", "extensions"]
}

extension Job: ClusterObject {
  /// `Job`.
  public static let kind = "Job"
  /// `jobs`.
  public static let kubectlName = "jobs"
  /// `batch`.
  public static let groups = ["batch"]
}

extension Namespace: ClusterObject {
  /// `Namespace`.
  public static let kind = "Namespace"
  /// The cluster has them, not a namespace.
  public static let isNamespaced = false
  /// `ns`.
  public static let kubectlName = "ns"
  /// The core group.
  public static let groups = [""]
}

extension StorageClass: ClusterObject {
  /// `StorageClass`.
  public static let kind = "StorageClass"
  /// The cluster has them, not a namespace.
  public static let isNamespaced = false
  /// `sc`.
  public static let kubectlName = "sc"
  /// `storage.k8s.io`.
  public static let groups = ["storage.k8s.io"]
}

extension CSINode: ClusterObject {
  /// `CSINode`.
  public static let kind = "CSINode"
  /// The cluster has them, not a namespace.
  public static let isNamespaced = false
  /// `csinodes`.
  public static let kubectlName = "csinodes"
  /// `storage.k8s.io`.
  public static let groups = ["storage.k8s.io"]
}
