/// An object of the kinds that Tonari reads.
package protocol ClusterObject: Codable, Hashable, Sendable {
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
  package static var isNamespaced: Bool { true }
}

extension Node: ClusterObject {
  /// `Node`.
  package static let kind = "Node"
  /// The cluster has them, not a namespace.
  package static let isNamespaced = false
  /// `nodes`.
  package static let kubectlName = "nodes"
  /// The core group.
  package static let groups = [""]
}

extension Pod: ClusterObject {
  /// `Pod`.
  package static let kind = "Pod"
  /// `pods`.
  package static let kubectlName = "pods"
  /// The core group.
  package static let groups = [""]
}

extension Service: ClusterObject {
  /// `Service`.
  package static let kind = "Service"
  /// `svc`.
  package static let kubectlName = "svc"
  /// The core group.
  package static let groups = [""]
}

extension PersistentVolume: ClusterObject {
  /// `PersistentVolume`.
  package static let kind = "PersistentVolume"
  /// The cluster has them, not a namespace.
  package static let isNamespaced = false
  /// `pv`.
  package static let kubectlName = "pv"
  /// The core group.
  package static let groups = [""]
}

extension PersistentVolumeClaim: ClusterObject {
  /// `PersistentVolumeClaim`.
  package static let kind = "PersistentVolumeClaim"
  /// `pvc`.
  package static let kubectlName = "pvc"
  /// The core group.
  package static let groups = [""]
}

extension Deployment: ClusterObject {
  /// `Deployment`.
  package static let kind = "Deployment"
  /// `deploy`.
  package static let kubectlName = "deploy"
  /// `apps`, and `extensions` of long ago.
  package static let groups = ["apps", "extensions"]
}

extension StatefulSet: ClusterObject {
  /// `StatefulSet`.
  package static let kind = "StatefulSet"
  /// `sts`.
  package static let kubectlName = "sts"
  /// `apps`.
  package static let groups = ["apps"]
}

extension DaemonSet: ClusterObject {
  /// `DaemonSet`.
  package static let kind = "DaemonSet"
  /// `ds`.
  package static let kubectlName = "ds"
  /// `apps`, and `extensions` of long ago.
  package static let groups = ["apps", "extensions"]
}

extension ReplicaSet: ClusterObject {
  /// `ReplicaSet`.
  package static let kind = "ReplicaSet"
  /// `rs`.
  package static let kubectlName = "rs"
  /// `apps`, and `extensions` of long ago.
  package static let groups = ["apps", "extensions"]
}

extension Job: ClusterObject {
  /// `Job`.
  package static let kind = "Job"
  /// `jobs`.
  package static let kubectlName = "jobs"
  /// `batch`.
  package static let groups = ["batch"]
}

extension Namespace: ClusterObject {
  /// `Namespace`.
  package static let kind = "Namespace"
  /// The cluster has them, not a namespace.
  package static let isNamespaced = false
  /// `ns`.
  package static let kubectlName = "ns"
  /// The core group.
  package static let groups = [""]
}

extension StorageClass: ClusterObject {
  /// `StorageClass`.
  package static let kind = "StorageClass"
  /// The cluster has them, not a namespace.
  package static let isNamespaced = false
  /// `sc`.
  package static let kubectlName = "sc"
  /// `storage.k8s.io`.
  package static let groups = ["storage.k8s.io"]
}

extension CSINode: ClusterObject {
  /// `CSINode`.
  package static let kind = "CSINode"
  /// The cluster has them, not a namespace.
  package static let isNamespaced = false
  /// `csinodes`.
  package static let kubectlName = "csinodes"
  /// `storage.k8s.io`.
  package static let groups = ["storage.k8s.io"]
}
