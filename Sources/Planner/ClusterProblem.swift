package import Kubernetes
package import Model
package import Placement

/// The placement problem of a cluster, and the tables that tie its indices back to the cluster's objects.
///
/// It is made in two steps, because traffic comes from elsewhere: `ClusterProblem(snapshot, options)` gives a problem
/// without edges; the caller resolves its traffic with an ``EndpointResolver`` and sets ``problem``'s `edges`,
/// `trafficUnit` and `weights`.
///
/// Planned are Deployments, StatefulSets, ReplicaSets and Jobs that stand for themselves, with at least one replica,
/// outside of the excluded namespaces, and not pinned. Their running pods are the current placement. All other pods
/// that run take their part of their node's capacity.
package struct ClusterProblem: Sendable {
  /// What to leave out of the plan.
  package struct Options: Hashable, Sendable {
    /// Namespaces whose workloads stay where they are.
    package var excludedNamespaces: Set<String>
    /// Workloads that stay where they are.
    package var pinned: Set<WorkloadName>

    /// Makes options; by default `kube-system` alone is left out.
    package init(excludedNamespaces: Set<String> = ["kube-system"], pinned: Set<WorkloadName> = []) {
      self.excludedNamespaces = excludedNamespaces
      self.pinned = pinned
    }
  }

  /// The problem: cpu in millicores, everything else in whole units (bytes, counts); names of workloads are
  /// `namespace/name`, with the kind in parentheses where two kinds share a name.
  package var problem: Problem
  /// The workload behind each of ``problem``'s, by index.
  package internal(set) var workloads: [WorkloadReference]
  /// The labels of the pods of each of ``problem``'s workloads, by index.
  package internal(set) var podLabels: [[String: String]]
  /// The index of the planned workload of a name. Where two kinds share a name, it is the Deployment's, else the
  /// StatefulSet's.
  package internal(set) var index: [WorkloadName: Int]
  /// The Services, with the planned workloads behind each.
  package internal(set) var services: [EndpointResolver.Service]
  /// The pods that run, with the planned workload of each.
  package internal(set) var pods: [EndpointResolver.Pod]
  /// Why a workload or Service that the cluster has is not planned, such as `a DaemonSet` or `pinned`.
  package internal(set) var unplanned: [WorkloadName: String]
  /// What was left out or could not be taken into account, a sentence each.
  package internal(set) var warnings: [String]
  /// Why nodes are not allowed for each workload, by index.
  var restrictions: [[Restriction]]

  /// A demand of a workload on its nodes.
  struct Restriction: Hashable, Sendable {
    /// The nodes that satisfy it, such as `labelled disk=ssd`.
    var phrase: String
    /// How many nodes do not.
    var excluded: Int
  }

  /// Makes the problem of a cluster.
  package init(_ snapshot: ClusterSnapshot, options: Options = Options()) {
    var builder = ProblemBuilder(snapshot, options)
    self = builder.build()
  }

  init(
    problem: Problem, workloads: [WorkloadReference], podLabels: [[String: String]], index: [WorkloadName: Int],
    services: [EndpointResolver.Service], pods: [EndpointResolver.Pod], unplanned: [WorkloadName: String],
    warnings: [String], restrictions: [[Restriction]]
  ) {
    self.problem = problem
    self.workloads = workloads
    self.podLabels = podLabels
    self.index = index
    self.services = services
    self.pods = pods
    self.unplanned = unplanned
    self.warnings = warnings
    self.restrictions = restrictions
  }
}
