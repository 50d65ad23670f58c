/// An object of the kinds that Tonari reads.
public protocol ClusterObject: Codable, Hashable, Sendable {
  /// The kind, such as `Deployment`.
  static var kind: String { get }
  /// The API groups that have the kind, the present one first; empty text for the core group.
  static var groups: [String] { get }
  /// Name, namespace and labels.
  var metadata: ObjectMeta { get }
}

extension Node: ClusterObject {
  /// `Node`.
  public static let kind = "Node"
  /// The core group.
  public static let groups = [""]
}

extension Pod: ClusterObject {
  /// `Pod`.
  public static let kind = "Pod"
  /// The core group.
  public static let groups = [""]
}

extension Service: ClusterObject {
  /// `Service`.
  public static let kind = "Service"
  /// The core group.
  public static let groups = [""]
}

extension PersistentVolume: ClusterObject {
  /// `PersistentVolume`.
  public static let kind = "PersistentVolume"
  /// The core group.
  public static let groups = [""]
}

extension PersistentVolumeClaim: ClusterObject {
  /// `PersistentVolumeClaim`.
  public static let kind = "PersistentVolumeClaim"
  /// The core group.
  public static let groups = [""]
}

extension Deployment: ClusterObject {
  /// `Deployment`.
  public static let kind = "Deployment"
  /// `apps`, and `extensions` of long ago.
  public static let groups = ["apps", "extensions"]
}

extension StatefulSet: ClusterObject {
  /// `StatefulSet`.
  public static let kind = "StatefulSet"
  /// `apps`.
  public static let groups = ["apps"]
}

extension DaemonSet: ClusterObject {
  /// `DaemonSet`.
  public static let kind = "DaemonSet"
  /// `apps`, and `extensions` of long ago.
  public static let groups = ["apps", "extensions"]
}

extension ReplicaSet: ClusterObject {
  /// `ReplicaSet`.
  public static let kind = "ReplicaSet"
  /// `apps`, and `extensions` of long ago.
  public static let groups = ["apps", "extensions"]
}

extension Job: ClusterObject {
  /// `Job`.
  public static let kind = "Job"
  /// `batch`.
  public static let groups = ["batch"]
}
