import Kubernetes
import Placement
import Topology

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
    var claimsOfReplica: [[String]] = []
    /// Indices of its pods in the snapshot.
    var pods: [Int] = []
    /// What one replica requests.
    var requests: [String: Quantity] = [:]

    var name: WorkloadName { reference.name }
    var spec: PodSpec { template.spec }
  }

  /// A pod that stays where it is.
  struct Fixed {
    var node: Int
    var name: WorkloadName
    var identity: PodIdentity
    var spec: PodSpec
  }

  let snapshot: ClusterSnapshot
  let options: ClusterProblem.Options
  var warnings = ProblemWarnings()

  /// The nodes that take replicas, in the order of the input.
  var nodes: [Kubernetes.Node] = []
  var nodeIndex: [String: Int] = [:]
  /// Nodes of the input that take no replicas.
  var unusedNodes: Set<String> = []
  /// Workloads that are given as objects, planned or not.
  var declared: Set<WorkloadReference> = []
  var planned: [Planned] = []
  /// Where a workload is in ``planned``.
  var position: [WorkloadReference: Int] = [:]
  /// How selectors see the pods of each planned workload.
  var identities: [PodIdentity] = []
  var identityIndex = IdentityIndex([])
  var fixed: [Fixed] = []
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
  }

  mutating func build() -> ClusterProblem {
    noteInput()
    takeNodes()
    takeWorkloads()
    makeProblem()
    limitToFittingNodes()
    limitToVolumes()
    separateHostPorts()
    let groups = groupFixedPods()
    keepApart(groups)
    spread(groups)
    keepTogether(groups)
    shareLimitRows()
    noteUnsupported()
    let services = snapshot.services.map(service)
    for service in services where service.workloads.isEmpty && service.externalName == nil {
      if unplanned[service.name] == nil { unplanned[service.name] = "a Service that selects no planned workload" }
    }
    return ClusterProblem(
      problem: problem,
      workloads: planned.map(\.reference),
      podLabels: identities.map(\.labels),
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
        unusedNodes.insert(node.metadata.name)
        warnings.add("not ready: the node takes no replicas", about: node.metadata.name)
      } else {
        nodeIndex[node.metadata.name] = nodes.count
        nodes.append(node)
      }
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
