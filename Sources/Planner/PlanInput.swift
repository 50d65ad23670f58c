import Kubernetes
import Model
package import Placement
package import Traffic

/// A placement problem with its traffic, and what is to be known of how it came about.
package struct PlanInput: Sendable {
  /// The problem; its weights are those of ``Problem/Weights/init(leavingNode:leavingZone:utilization:move:maxMoves:)``.
  package var problem: Problem
  /// The workload that each workload of the problem is; nil for an end that is no workload of the cluster.
  package let references: [PlacementPlan.WorkloadReference?]
  /// The traffic, and what became of the rest of the dumps.
  package let traffic: ResolvedTraffic
  /// What was left out, converted or not understood, a sentence each.
  package var warnings: [String]

  private let cluster: ClusterProblem

  /// Why there can be no placement, as far as quick counting shows, a sentence for each small set of demands that cannot
  /// hold together; empty where counting finds nothing, which does not mean that there is a placement.
  package func conflicts() -> [String] { cluster.conflicts() }

  /// Puts a cluster and its traffic together.
  ///
  /// - Parameters:
  ///   - cluster: the cluster's problem, without traffic.
  ///   - traffic: who talks to whom.
  ///   - map: what names in the dumps mean that the cluster does not know.
  /// - Throws: ``PlanningError/Code/badCluster`` where there are no nodes or no workloads,
  ///   ``PlanningError/Code/badMap`` where the map speaks of what the cluster does not have,
  ///   ``PlanningError/Code/badTraffic`` where the traffic is of several clusters and it is not clear of which.
  package init(
    _ cluster: ClusterProblem, _ traffic: ObservedTraffic, map: EndpointMap = EndpointMap()
  ) throws(PlanningError) {
    let resolver = try Self.resolver(cluster, map)
    let (seen, remarks) = try traffic.seen(from: map.clusterNames, resolver)
    self.init(cluster, ResolvedTraffic(seen, resolver) { cluster.problem.workloads[$0].name })
    warnings += remarks + [map.remark(onTrafficOf: seen.graphs)].compactMap { $0 }
  }

  /// Puts a cluster and the traffic that one tool measured together; see ``init(_:_:map:)``.
  package init(
    _ cluster: ClusterProblem, _ graph: TrafficGraph, map: EndpointMap = EndpointMap()
  ) throws(PlanningError) {
    try self.init(cluster, ObservedTraffic(graph), map: map)
  }

  /// Puts a cluster and several traffic matrices together, to be planned for together. An edge that a matrix does not
  /// have counts 0 in it.
  ///
  /// - Parameters:
  ///   - cluster: the cluster's problem, without traffic.
  ///   - matrices: who talks to whom, when; at least one, with names that differ.
  ///   - combination: what they count together.
  ///   - map: what names in the dumps mean that the cluster does not know.
  /// - Throws: what ``init(_:_:map:)`` does.
  package init(
    _ cluster: ClusterProblem, _ matrices: [NamedTraffic], _ combination: Problem.Combination,
    map: EndpointMap = EndpointMap()
  ) throws(PlanningError) {
    let resolver = try Self.resolver(cluster, map)
    var remarks: [String] = []
    var matrices = matrices
    for m in matrices.indices {
      let (seen, more) = try matrices[m].traffic.seen(from: map.clusterNames, resolver)
      matrices[m].traffic = seen
      remarks += more.map { "traffic '\(matrices[m].name)': \($0)" }
    }
    self.init(cluster, ResolvedTraffic(matrices, resolver) { cluster.problem.workloads[$0].name })
    warnings += remarks + [map.remark(onTrafficOf: matrices.flatMap(\.traffic.graphs))].compactMap { $0 }
    problem.matrices = matrices.map { Problem.TrafficMatrix(name: $0.name, weight: $0.weight) }
    problem.combination = combination
    problem.combineTraffic()
  }

  private static func resolver(_ cluster: ClusterProblem, _ map: EndpointMap) throws(PlanningError) -> EndpointResolver
  {
    guard !cluster.problem.nodes.isEmpty else {
      throw PlanningError(
        code: .badCluster,
        message:
          "the cluster's objects hold no node that takes replicas; what is needed is printed by '\(ClusterSnapshot.kubectlCommand)'"
      )
    }
    guard !cluster.problem.workloads.isEmpty else {
      throw PlanningError(code: .badCluster, message: "there is no workload to place: \(Self.causes(cluster))")
    }
    return try EndpointResolver(cluster, map: map)
  }

  /// Why none of a cluster's workloads is planned.
  private static func causes(_ cluster: ClusterProblem) -> String {
    guard !cluster.unplanned.isEmpty else {
      return "the cluster's objects hold none; what is needed is printed by '\(ClusterSnapshot.kubectlCommand)'"
    }
    let names = Dictionary(grouping: cluster.unplanned.keys) { cluster.unplanned[$0] ?? "" }
    return names.sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }.map { reason, names in
      "\(ProblemWarnings.list(names.map { "\($0)" }.sorted())) (\(reason))"
    }.joined(separator: "; ")
  }

  private init(_ cluster: ClusterProblem, _ traffic: ResolvedTraffic) {
    self.cluster = cluster
    self.traffic = traffic
    problem = cluster.problem
    traffic.apply(to: &problem)
    references =
      cluster.workloads.map { reference in
        PlacementPlan.WorkloadReference(
          kind: reference.kind,
          namespace: reference.name.namespace,
          name: reference.name.name
        )
      } + Array(repeating: nil, count: problem.workloads.count - cluster.workloads.count)
    warnings = cluster.warnings + traffic.warnings + Self.remarks(on: traffic, of: problem)
  }

  /// What a user should know of traffic that is not between two workloads.
  private static func remarks(on traffic: ResolvedTraffic, of problem: Problem) -> [String] {
    var remarks: [String] = []
    func percent(_ part: Double) -> String {
      let tenths = (part / traffic.total * 1000).rounded()
      return tenths > 0 ? "\(tenths / 10) %" : "less than 0.1 %"
    }
    if problem.edges.isEmpty {
      remarks.append("there is no traffic between workloads of the plan: it can only balance the nodes")
    }
    if traffic.selfTraffic > 0 {
      remarks.append(
        "\(percent(traffic.selfTraffic)) of the traffic is of workloads with themselves; it is not part of the plan"
      )
    }
    let splits = traffic.notes.prefix(3)
    if !splits.isEmpty {
      let more = traffic.notes.count - splits.count
      remarks.append(splits.joined(separator: "; ") + (more > 0 ? "; and \(more) names more" : ""))
    }
    let unknown = traffic.outside.filter { $0.reason == EndpointResolver.unknownReason }
    let unknownTraffic = unknown.reduce(0) { $0 + $1.traffic }
    if unknownTraffic > 0.5 * traffic.total {
      remarks.append(
        "\(unknown.count) names in the traffic match nothing in the cluster, such as "
          + unknown.prefix(3).map { "'\($0.name)'" }.joined(separator: ", ")
          + ": do the files belong together? --map tells what names mean"
      )
    }
    return remarks
  }
}
