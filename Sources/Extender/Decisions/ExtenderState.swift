package import Kubernetes
import Model
package import Planner

/// What the extender knows: the nodes, where replicas run, where the plan wants them, and who talks to whom.
///
/// Decisions are made from it without I/O; time is handed in. Nodes and workloads are numbers here: names are looked up
/// once in each call.
package struct ExtenderState: Sendable {
  /// A workload, and where its replicas are and ought to be.
  struct Workload: Sendable {
    var reference: WorkloadReference
    /// How many replicas there are to be; nil where nobody has said so.
    var wanted: Int?
    /// Where the plan places its replicas; nil for a workload outside the plan.
    var planned: NodeCounts?
    /// Where its replicas run, of whatever template.
    var running = NodeCounts()
    /// The same by template.
    var revisions: [String: NodeCounts] = [:]
    /// The workloads that it talks to, with the traffic.
    var partners: [(workload: Int, traffic: Double)] = []
  }

  /// A replica that runs on a node, or has been bound to it.
  struct Replica: Hashable, Sendable {
    var identity: ReplicaIdentity
    var node: String
  }

  /// A replica that was bound here, or is expected to be bound, and that the watch has not told yet.
  struct Assumed: Sendable {
    var replica: Replica
    /// When it is forgotten; nil for never.
    var expiry: ContinuousClock.Instant?
  }

  /// What became of a plan.
  package struct PlanSummary: Hashable, Sendable {
    /// How many workloads it places.
    package var workloads = 0
    /// How many replicas it places.
    package var replicas = 0
  }

  /// Whether a pod of a planned workload may run on the plan's nodes only.
  package var isEnforcing: Bool
  /// How long a replica counts that was bound here and that the watch does not tell; nil for ever.
  package var bindingExpiry: Duration?
  /// How long a replica counts on the node that was scored highest for it, unless it is bound before.
  package var expectationExpiry = Duration.seconds(10)
  /// More pods than that are not bound before the watch tells of one.
  private static let mostAssumed = 100_000
  /// What the plan places.
  package private(set) var summary = PlanSummary()

  // What has been told, by name. The tables are made from it.
  private var plan: [PlacementPlan.Placement] = []
  private(set) var traffic = TrafficEdges()
  private var wanted: [WorkloadReference: Int] = [:]
  private var zones: [String: String] = [:]
  var replicas: [String: Replica] = [:]
  var assumed: [String: Assumed] = [:]

  // The tables.
  var nodes = NameTable()
  /// The zone of each node; −1 where it is not known.
  var zoneOfNode: [Int] = []
  private(set) var zoneNames = NameTable()
  var workloads: [Workload] = []
  private var workloadIndex: [WorkloadReference: Int] = [:]
  private var nameIndex: [WorkloadName: Int] = [:]
  /// Nodes in the tables that are there no more.
  private var staleNodes = 0

  /// Makes a state without nodes, replicas or plan.
  ///
  /// - Parameters:
  ///   - isEnforcing: whether a pod of a planned workload may run on the plan's nodes only.
  ///   - bindingExpiry: how long a replica counts that was bound here and that the watch does not tell; nil for ever.
  package init(isEnforcing: Bool = false, bindingExpiry: Duration? = .seconds(60)) {
    self.isEnforcing = isEnforcing
    self.bindingExpiry = bindingExpiry
  }

  /// How many nodes are known.
  package var nodeCount: Int { zones.count }
  /// How many replicas count, those that were bound a moment ago among them.
  package var replicaCount: Int { replicas.count + assumed.count }
  /// How many replicas count that were bound here and that the watch has not told yet.
  package var assumedCount: Int { assumed.count }
}

// MARK: - What it is told

extension ExtenderState {
  /// Takes a plan in place of the one before; nil for none.
  package mutating func set(plan: PlacementPlan?) {
    set(placements: plan?.spec.placements ?? [])
  }

  /// Takes the placements of a plan, or of several, in place of those before. Of a workload that is placed twice the
  /// first placement counts.
  package mutating func set(placements: [PlacementPlan.Placement]) {
    plan = placements
    rebuild()
  }

  /// Takes who talks to whom in place of what was known before.
  package mutating func set(traffic: TrafficEdges) {
    self.traffic = traffic
    rebuild()
  }

  /// Tells that a node is there, and its zone; an empty zone is not known.
  package mutating func set(node: String, zone: String) {
    guard zones.updateValue(zone, forKey: node) != zone else { return }
    place(node, in: zone)
  }

  /// Tells that a node is gone.
  package mutating func remove(node: String) {
    guard zones.removeValue(forKey: node) != nil else { return }
    staleNodes += 1
    if staleNodes > max(1000, zones.count) { rebuild() }
  }

  /// Tells how many replicas a workload is to have; nil where it is gone.
  package mutating func set(replicas: Int?, of reference: WorkloadReference) {
    wanted[reference] = replicas
    if let w = workloadIndex[reference] { workloads[w].wanted = replicas }
  }

  /// Tells where a pod runs; nil for the identity or node of one that belongs to no workload, is not bound yet, is on its
  /// way out, or is gone.
  package mutating func set(pod uid: String, _ identity: ReplicaIdentity?, on node: String?) {
    let new = identity.flatMap { identity in node.map { Replica(identity: identity, node: $0) } }
    if new != nil { forget(assumed: uid) }
    guard replicas[uid] != new else { return }
    if let old = replicas.removeValue(forKey: uid) { count(old, -1) }
    guard let new else { return }
    replicas[uid] = new
    count(new, 1)
  }

  /// Counts a replica at once that is bound to a node now. Counting it again changes nothing. Nodes and workloads that are
  /// not known make no difference to anybody, and are not taken from a request: the watch tells those that there are.
  package mutating func assume(
    pod uid: String, _ identity: ReplicaIdentity, on node: String, at now: ContinuousClock.Instant
  ) {
    assume(uid, Replica(identity: identity, node: node), until: bindingExpiry.map { now + $0 })
  }

  /// Counts a replica on the node that was scored highest for it: the scheduler asks for the next pod before the watch
  /// tells what became of this one.
  mutating func expect(
    pod uid: String, _ identity: ReplicaIdentity, on node: String, at now: ContinuousClock.Instant
  ) {
    assume(uid, Replica(identity: identity, node: node), until: now + expectationExpiry)
  }

  private mutating func assume(_ uid: String, _ replica: Replica, until expiry: ContinuousClock.Instant?) {
    guard !uid.isEmpty, replicas[uid] == nil else { return }
    forget(assumed: uid)
    guard nodes.number(of: replica.node) != nil, number(of: replica.identity.workload) != nil,
      assumed.count < Self.mostAssumed
    else { return }
    assumed[uid] = Assumed(replica: replica, expiry: expiry)
    count(replica, 1)
  }

  /// Counts a replica no more that was to be bound and was not.
  package mutating func forget(assumed uid: String) {
    if let old = assumed.removeValue(forKey: uid) { count(old.replica, -1) }
  }

  /// Counts replicas no more that were bound long ago and that the watch has never told; answers how many.
  package mutating func expire(at now: ContinuousClock.Instant) -> Int {
    let gone = assumed.filter { entry in entry.value.expiry.map { $0 <= now } ?? false }
    for uid in gone.keys { forget(assumed: uid) }
    return gone.count
  }
}

// MARK: - The tables

extension ExtenderState {
  /// The number of a workload that is known; nil for one of which there is neither a plan nor traffic nor a replica.
  func number(of workload: ReplicaIdentity.Workload) -> Int? {
    switch workload {
    case .reference(let reference): workloadIndex[reference]
    case .name(let name): nameIndex[name]
    }
  }

  private mutating func insert(_ workload: ReplicaIdentity.Workload) -> Int {
    if let known = number(of: workload) { return known }
    let reference =
      switch workload {
      case .reference(let reference): reference
      case .name(let name): WorkloadReference(kind: "", name: name)
      }
    workloads.append(Workload(reference: reference, wanted: wanted[reference]))
    let number = workloads.count - 1
    workloadIndex[reference] = number
    if nameIndex[reference.name] == nil { nameIndex[reference.name] = number }
    return number
  }

  private mutating func place(_ node: String, in zone: String) {
    let number = insert(node: node)
    zoneOfNode[number] = zone.isEmpty ? -1 : zoneNames.insert(zone)
  }

  private mutating func insert(node: String) -> Int {
    let number = nodes.insert(node)
    if number == zoneOfNode.count { zoneOfNode.append(-1) }
    return number
  }

  private mutating func count(_ replica: Replica, _ change: Int) {
    let w = insert(replica.identity.workload)
    let n = insert(node: replica.node)
    workloads[w].running.add(change, on: n)
    workloads[w].revisions[replica.identity.revision, default: NodeCounts()].add(change, on: n)
    if workloads[w].revisions[replica.identity.revision]?.total == 0 {
      workloads[w].revisions[replica.identity.revision] = nil
    }
  }

  /// Makes the tables anew. A plan comes rarely, and then what names mean may change.
  private mutating func rebuild() {
    nodes = NameTable()
    zoneNames = NameTable()
    zoneOfNode = []
    workloads = []
    workloadIndex = [:]
    nameIndex = [:]
    staleNodes = 0
    summary = PlanSummary()
    for (node, zone) in zones { place(node, in: zone) }
    for placement in plan {
      let w = insert(.reference(WorkloadReference(placement.workload)))
      guard workloads[w].planned == nil else { continue }
      var planned = NodeCounts()
      for share in placement.nodes { planned.add(share.replicas, on: insert(node: share.name)) }
      workloads[w].planned = planned
      summary.workloads += 1
      summary.replicas += planned.total
    }
    for edge in traffic.edges {
      let (u, v) = (insert(.reference(edge.u)), insert(.reference(edge.v)))
      workloads[u].partners.append((v, edge.traffic))
      workloads[v].partners.append((u, edge.traffic))
    }
    // Where two kinds of plan or traffic share a name, an annotation means the Deployment. From here on no name changes
    // its meaning: replicas are counted by it.
    for (w, workload) in workloads.enumerated() where workload.reference.kind == Deployment.kind {
      nameIndex[workload.reference.name] = w
    }
    for replica in replicas.values { count(replica, 1) }
    for entry in assumed.values { count(entry.replica, 1) }
  }
}

extension WorkloadReference {
  /// The workload that a plan names.
  package init(_ reference: PlacementPlan.WorkloadReference) {
    self.init(kind: reference.kind, name: WorkloadName(namespace: reference.namespace, name: reference.name))
  }
}
