extension ClusterSnapshot {
  /// The kinds of objects that are read.
  package static let kinds: [any ClusterObject.Type] =
    [
      Node.self, Pod.self, Deployment.self, StatefulSet.self, DaemonSet.self, ReplicaSet.self, Job.self, Service.self,
      Namespace.self,
    ] + volumeKinds

  /// Those that say from where volumes are reached.
  package static let volumeKinds: [any ClusterObject.Type] = [
    PersistentVolume.self, PersistentVolumeClaim.self, StorageClass.self, CSINode.self,
  ]

  /// The command that prints all of a cluster that is read.
  package static let kubectlCommand = kubectlCommand(for: kinds)

  /// The command that prints the objects of some kinds.
  package static func kubectlCommand(for kinds: [any ClusterObject.Type]) -> String {
    "kubectl get \(kinds.map { $0.kubectlName }.joined(separator: ",")) -A -o json"
  }
}
