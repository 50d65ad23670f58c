import Kubernetes
import Model

/// What is known of volumes, and of the claims that stand for them.
///
/// The rules are those of kube-scheduler's VolumeBinding and VolumeZone: a volume that a claim is bound to is reached from
/// some nodes; for a claim that waits for its first pod, a volume must be free or can be made there.
struct VolumeCatalog {
  /// A claim as a pod that uses it sees it.
  struct Claim {
    /// The nodes from which its volume is reached, or where one is free or can be made; nil for all, and where that is not
    /// known.
    var reachable: [Bool]?
    /// How many volumes are free for it on each node; nil where more can be made, and for a claim that has one.
    var free: [Int]?
    /// Who attaches its volume; nil where that is not known, or nobody does.
    var driver: String?
    /// What tells its volume from others of the driver.
    var volume = ""
    /// Whether one pod alone may use it.
    var isForOnePod = false
    /// What is not known of it, and what to do about that; nil where all is.
    var remark: String?
  }

  private let volumes: [String: PersistentVolume]
  private let claims: [WorkloadName: PersistentVolumeClaim]
  private let classes: [String: StorageClass]
  private let defaultClass: StorageClass?
  private let nodes: [Node]
  private let free: FreeVolumes
  private let places: NodePlaces

  init(_ snapshot: ClusterSnapshot) {
    func byName<Object: ClusterObject>(_ objects: [Object]) -> [String: Object] {
      Dictionary(objects.map { ($0.metadata.name, $0) }, uniquingKeysWith: { first, _ in first })
    }
    volumes = byName(snapshot.persistentVolumes)
    claims = Dictionary(
      snapshot.persistentVolumeClaims.map { ($0.metadata.fullName, $0) }, uniquingKeysWith: { first, _ in first })
    classes = byName(snapshot.storageClasses)
    defaultClass = snapshot.storageClasses.filter(\.isDefault)
      .max { $0.metadata.creationTimestamp ?? "" < $1.metadata.creationTimestamp ?? "" }
    nodes = snapshot.nodes
    let bound = Set(claims.values.compactMap { $0.spec?.volumeName })
    places = NodePlaces(nodes)
    free = FreeVolumes(snapshot.persistentVolumes.filter { !bound.contains($0.metadata.name) }, places)
  }

  /// Whether nothing of volumes is given at all: then they have been left out, for a cluster may well have no claims yet,
  /// but whoever has claims has volumes or classes, too.
  var isEmpty: Bool { claims.isEmpty && volumes.isEmpty && classes.isEmpty }

  /// A claim by its name.
  ///
  /// - Parameter template: what it will be made from where it is not given; nil where it must be there.
  func claim(_ name: WorkloadName, madeFrom template: PersistentVolumeClaimSpec? = nil) -> Claim {
    guard let object = claims[name] else {
      if let template { return newClaim(template, named: name) }
      return Claim(
        volume: "\(name)",
        remark: Self.unknown("a claim that is not in the input"))
    }
    let spec = object.spec ?? PersistentVolumeClaimSpec()
    guard let volumeName = spec.volumeName, !volumeName.isEmpty else {
      return waiting(spec, named: name, className: object.className, selectedNode: object.selectedNode)
    }
    guard let volume = volumes[volumeName] else {
      return Claim(
        volume: volumeName, isForOnePod: spec.isForOnePod,
        remark: Self.unknown("a volume that is not in the input"))
    }
    return Claim(
      reachable: places.reaching(volume), driver: volume.spec?.csi?.driver,
      volume: volume.spec?.csi?.volumeHandle ?? volumeName, isForOnePod: spec.isForOnePod)
  }

  /// A claim that will be made.
  func newClaim(_ spec: PersistentVolumeClaimSpec, named name: WorkloadName) -> Claim {
    waiting(spec, named: name, className: spec.storageClassName)
  }

  /// A claim that is bound to nothing yet.
  private func waiting(
    _ spec: PersistentVolumeClaimSpec, named name: WorkloadName, className: String?, selectedNode: String? = nil
  ) -> Claim {
    var claim = Claim(volume: "\(name)", isForOnePod: spec.isForOnePod)
    guard let storageClass = className.map({ classes[$0] }) ?? defaultClass else {
      claim.remark =
        className == "" || className == nil && !classes.isEmpty
        ? "a claim that is not bound; from where its volume will be reached is not known"
        : Self.unknown("a claim whose StorageClass is not in the input")
      return claim
    }
    claim.driver = storageClass.makesVolumes ? storageClass.provisioner : nil
    if let selectedNode {
      claim.reachable = nodes.map { $0.metadata.name == selectedNode }
    } else if storageClass.waitsForPods {
      let found = free.places(for: spec, named: name, of: storageClass)
      claim.reachable = found.reachable
      if !storageClass.makesVolumes { claim.free = found.counts }
    } else {
      claim.remark =
        "a claim that is not bound yet, and binds without a pod; from where its volume will be reached is not known"
    }
    return claim
  }

  private static func unknown(_ what: String) -> String {
    "\(what), so that from where its volume can be reached is not known; add what "
      + "'\(ClusterSnapshot.kubectlCommand(for: ClusterSnapshot.volumeKinds))' prints"
  }
}
