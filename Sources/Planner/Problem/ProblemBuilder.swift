import Kubernetes
import Model
import Placement

/// Builds a ``ClusterProblem``, step by step; each step is an extension of its own.
struct ProblemBuilder {
  /// A workload whose replicas are to be placed.
  struct Planned {
    var reference: WorkloadReference
    /// How many; nil while the pods are still being counted.
    var replicas: Int?
    /// What its pods are like.
    var template: PodTemplate
    /// Where the pods' spec is in the object, for warnings.
    var specPath = "spec.template.spec"
    /// The claims that replicas have for themselves, by replica; empty where they have none.
    var claimsOfReplica: [[OwnClaim]] = []
    /// Indices of its pods in the snapshot.
    var pods: [Int] = []
    /// What one replica requests.
    var requests: [String: Quantity] = [:]

    var name: WorkloadName { reference.name }
    var spec: PodSpec { template.spec }
  }

  /// A claim that one replica has for itself.
  struct OwnClaim: Hashable {
    var name: String
    /// What it is made from where it is not there yet; nil where it must be there.
    var template: PersistentVolumeClaimSpec?
    /// The pod that uses it.
    var pod: String
  }

  /// A pod that is on its node whatever is planned: one that stays, one that is going away and is still there, one on a
  /// node that is not ready, and one that a DaemonSet will start.
  struct Fixed {
    var node: Int
    var name: WorkloadName
    var identity: PodIdentity
    var spec: PodSpec
    var requests: [String: Quantity]
    var isTerminating = false
    /// The planned workload of which it is a replica that is going away, or on a node that is not ready.
    var workload: Int?
  }

  let snapshot: ClusterSnapshot
  let options: ClusterProblem.Options
  var warnings = ProblemWarnings()

  /// The nodes, in the order of the input.
  var nodes: [Kubernetes.Node] = []
  var nodeIndex: [String: Int] = [:]
  /// Nodes that are not ready. They take no replicas, but their domains count, and the pods on them.
  var unready: Set<Int> = []
  /// The labels of the namespaces that are given.
  let namespaceLabels: [String: [String: String]]
  /// Workloads that are given as objects, planned or not.
  var declared: Set<WorkloadReference> = []
  var planned: [Planned] = []
  /// Where a workload is in ``planned``.
  var position: [WorkloadReference: Int] = [:]
  /// How selectors see the pods of each planned workload.
  var identities: [PodIdentity] = []
  var identityIndex = IdentityIndex([])
  var fixed: [Fixed] = []
  /// How many replicas of workloads are left out, as they wait for a claim that pods of theirs have.
  var waiting: [Int: Int] = [:]
  /// The claims of each planned workload.
  var claims: [WorkloadClaims] = []
  /// What is known of volumes.
  let volumes: VolumeCatalog
  /// Limits on attached volumes that can be reached, by resource.
  var attachments: [String: Attachments] = [:]
  var unplanned: [WorkloadName: String] = [:]

  /// How many replicas of each workload each node may hold, by workload.
  var limits: [[Int32]] = []
  /// Why nodes are not allowed, by workload.
  var restrictions: [[ClusterProblem.Restriction]] = []
  var topologies: [String: [Int32]] = [:]
  var partitionIndex: [Problem.Partition: Int] = [:]
  var problem = Problem(resources: [], nodes: [], workloads: [], requests: [], allocatable: [])

  init(_ snapshot: ClusterSnapshot, _ options: ClusterProblem.Options) {
    self.snapshot = snapshot
    self.options = options
    volumes = VolumeCatalog(snapshot)
    namespaceLabels = Dictionary(
      snapshot.namespaces.map { ($0.metadata.name, $0.metadata.labels ?? [:]) }, uniquingKeysWith: { first, _ in first }
    )
  }

  mutating func build() -> ClusterProblem {
    noteInput()
    takeNodes()
    takeWorkloads()
    takeClaims()
    makeProblem()
    limitToFittingNodes()
    limitToVolumes()
    separateHostPorts()
    let groups = groupFixedPods()
    keepApart(groups)
    spread(groups)
    keepTogether(groups)
    leaveOutReplicasWithoutPlace()
    shareLimitRows()
    noteUnsupported()
    let services = snapshot.services.map(service)
    for service in services where service.workloads.isEmpty && service.externalName == nil {
      if unplanned[service.name] == nil { unplanned[service.name] = "a Service that selects no planned workload" }
    }
    return ClusterProblem(
      problem: problem,
      workloads: planned.map(\.reference),
      podLabels: planned.map(\.template.labels),
      index: makeIndex(),
      services: services,
      pods: runningPods(),
      unplanned: unplanned,
      warnings: warnings.sentences,
      restrictions: restrictions
    )
  }

  private mutating func noteInput() {
    for (kind, count) in snapshot.repeated.sorted(by: { $0.key < $1.key }) {
      warnings.add("\(count) × \(kind) came more than once in the input; the last one counts")
    }
    if let count = snapshot.skipped["CronJob"] {
      warnings.add("\(count) × CronJob left out: only the Jobs that they have started are planned")
    }
  }

  private mutating func takeNodes() {
    for node in snapshot.nodes {
      if node.isKnownNotReady {
        unready.insert(nodes.count)
        warnings.add("not ready: the node takes no replicas", about: node.metadata.name)
      }
      nodeIndex[node.metadata.name] = nodes.count
      nodes.append(node)
    }
  }

  private mutating func makeIndex() -> [WorkloadName: Int] {
    let rank = [Deployment.kind: 0, StatefulSet.kind: 1]
    var index: [WorkloadName: Int] = [:]
    for (w, workload) in planned.enumerated() {
      guard let other = index[workload.name] else {
        index[workload.name] = w
        continue
      }
      let (a, b) = (planned[other].reference, workload.reference)
      let isPreferred = (rank[b.kind] ?? 2) < (rank[a.kind] ?? 2)
      if isPreferred { index[workload.name] = w }
      warnings.add(
        "is both a \(a.kind) and a \(b.kind); traffic counts for the \(isPreferred ? b.kind : a.kind)",
        about: "\(b.name)"
      )
    }
    return index
  }
}
