import Formats
package import Model

/// The objects of a cluster as its inputs give them: from `kubectl get … -o json`, from manifests, or both.
///
/// An object that comes twice counts once, as it came last; a node must not come twice.
package struct ClusterSnapshot: Sendable {
  /// The nodes.
  package private(set) var nodes: [Node] = []
  /// The pods.
  package private(set) var pods: [Pod] = []
  /// The Deployments.
  package private(set) var deployments: [Deployment] = []
  /// The StatefulSets.
  package private(set) var statefulSets: [StatefulSet] = []
  /// The DaemonSets.
  package private(set) var daemonSets: [DaemonSet] = []
  /// The ReplicaSets.
  package private(set) var replicaSets: [ReplicaSet] = []
  /// The Jobs.
  package private(set) var jobs: [Job] = []
  /// The Services.
  package private(set) var services: [Service] = []
  /// The Namespaces.
  package private(set) var namespaces: [Namespace] = []
  /// The PersistentVolumes.
  package private(set) var persistentVolumes: [PersistentVolume] = []
  /// The PersistentVolumeClaims.
  package private(set) var persistentVolumeClaims: [PersistentVolumeClaim] = []
  /// The StorageClasses.
  package private(set) var storageClasses: [StorageClass] = []
  /// What drivers of volumes can do on nodes.
  package private(set) var csiNodes: [CSINode] = []
  /// How many objects of other kinds were passed over, by kind (with group for kinds that are not Kubernetes' own).
  package private(set) var skipped: [String: Int] = [:]
  /// How many objects came again, by kind.
  package private(set) var repeated: [String: Int] = [:]

  private struct Key: Hashable {
    var kind: String
    var name: WorkloadName

    init<Object: ClusterObject>(_ object: Object) {
      kind = Object.kind
      name =
        Object.isNamespaced
        ? object.metadata.fullName : WorkloadName(namespace: "", name: object.metadata.name)
    }
  }

  private struct Place {
    var index: Int
    var source: String
  }

  private var places: [Key: Place] = [:]

  /// Makes an empty snapshot.
  package init() {}

  /// Adds one object from an input that is called `source`.
  ///
  /// Throws ``ManifestError`` where a node of the same name is there already.
  package mutating func add(_ object: some ClusterObject, source: String) throws(ManifestError) {
    switch object {
    case let node as Node:
      if let place = places[Key(node)] {
        throw ManifestError(
          code: .duplicate,
          source: source,
          message: "found the node \(node.metadata.name) again (first in \(place.source)), expected each node once"
        )
      }
      insert(node, into: \.nodes, source)
    case let pod as Pod: insert(pod, into: \.pods, source)
    case let deployment as Deployment: insert(deployment, into: \.deployments, source)
    case let statefulSet as StatefulSet: insert(statefulSet, into: \.statefulSets, source)
    case let daemonSet as DaemonSet: insert(daemonSet, into: \.daemonSets, source)
    case let replicaSet as ReplicaSet: insert(replicaSet, into: \.replicaSets, source)
    case let job as Job: insert(job, into: \.jobs, source)
    case let service as Service: insert(service, into: \.services, source)
    case let volume as PersistentVolume: insert(volume, into: \.persistentVolumes, source)
    case let claim as PersistentVolumeClaim: insert(claim, into: \.persistentVolumeClaims, source)
    case let namespace as Namespace: insert(namespace, into: \.namespaces, source)
    case let storageClass as StorageClass: insert(storageClass, into: \.storageClasses, source)
    case let node as CSINode: insert(node, into: \.csiNodes, source)
    default: skip(type(of: object).kind)
    }
  }

  /// Counts an object that is passed over.
  mutating func skip(_ kind: String) {
    skipped[kind, default: 0] += 1
  }

  private mutating func insert<Object: ClusterObject>(
    _ object: Object, into list: WritableKeyPath<ClusterSnapshot, [Object]>, _ source: String
  ) {
    let key = Key(object)
    if let place = places[key] {
      self[keyPath: list][place.index] = object
      repeated[Object.kind, default: 0] += 1
    } else {
      places[key] = Place(index: self[keyPath: list].count, source: source)
      self[keyPath: list].append(object)
    }
  }
}

extension ObjectMeta {
  /// Namespace and name; the namespace is `default` where it is left out.
  package var fullName: WorkloadName { WorkloadName(namespace: namespace ?? "default", name: name) }
}
