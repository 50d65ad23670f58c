/// A kind of object that a plan depends on, and where the API server has it.
package struct ClusterKind: Sendable {
  /// Where the API server has the objects.
  package let resource: APIResource
  /// What they are read as.
  let type: any ClusterObject.Type

  /// Workloads and what names them in traffic: enough to tell who talks to whom.
  package static let naming = [
    ClusterKind(resource: .deployments, type: Deployment.self),
    ClusterKind(resource: .statefulSets, type: StatefulSet.self),
    ClusterKind(resource: .services, type: Service.self),
  ]

  /// All that a plan depends on.
  package static let all =
    naming + [
      ClusterKind(resource: .nodes, type: Node.self),
      ClusterKind(resource: .pods, type: Pod.self),
      ClusterKind(resource: .daemonSets, type: DaemonSet.self),
      ClusterKind(resource: .replicaSets, type: ReplicaSet.self),
      ClusterKind(resource: .jobs, type: Job.self),
      ClusterKind(resource: .namespaces, type: Namespace.self),
      ClusterKind(resource: .persistentVolumes, type: PersistentVolume.self),
      ClusterKind(resource: .persistentVolumeClaims, type: PersistentVolumeClaim.self),
      ClusterKind(resource: .storageClasses, type: StorageClass.self),
      ClusterKind(resource: .csiNodes, type: CSINode.self),
    ]
}

extension ClusterSnapshot {
  /// What snapshots from an API server are called in messages.
  static let apiSource = "the API server"

  /// Reads all that a plan depends on from an API server, list by list.
  ///
  /// Throws `APIError`.
  package init(from client: APIClient, _ kinds: [ClusterKind] = ClusterKind.all) async throws {
    self.init()
    for kind in kinds { try await read(kind.type, kind.resource, client) }
  }

  private mutating func read<Object: ClusterObject>(
    _ type: Object.Type, _ resource: APIResource, _ client: APIClient
  ) async throws {
    for object in try await client.list(resource, transform: { try $0.decode(Object.self) }).items {
      try add(object, source: Self.apiSource)
    }
  }
}
