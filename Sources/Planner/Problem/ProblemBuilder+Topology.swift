import Kubernetes
import Model
import Placement

/// Topology keys as partitions, and the pods that stay as rules see them.
extension ProblemBuilder {
  static let hostname = "kubernetes.io/hostname"

  /// The domain of each node by a node label, numbered in order of appearance; −1 for nodes without the label.
  ///
  /// Every real node has the label `kubernetes.io/hostname`; in manifests that leave it out, the node's name stands in.
  mutating func topology(_ key: String) -> [Int32] {
    if let known = topologies[key] { return known }
    var domains: [String: Int32] = [:]
    let topology = nodes.map { node -> Int32 in
      guard let value = node.labels[key] ?? (key == Self.hostname ? node.metadata.name : nil) else { return -1 }
      if let domain = domains[value] { return domain }
      domains[value] = Int32(domains.count)
      return Int32(domains.count - 1)
    }
    topologies[key] = topology
    return topology
  }

  /// The index of a partition of the problem, which is added where it is new.
  mutating func partition(_ name: String, _ domain: [Int32]) -> Int {
    let partition = Problem.Partition(name: name, domain: domain)
    if let index = partitionIndex[partition] { return index }
    partitionIndex[partition] = problem.partitions.count
    problem.partitions.append(partition)
    return problem.partitions.count - 1
  }

  /// Fixed pods that are alike for selectors.
  struct FixedGroup {
    var identity: PodIdentity
    /// Whether they are going away: topology spread counts them no more, (anti-)affinity does until they are gone.
    var isTerminating: Bool
    /// How many of them are on which node.
    var nodes: [Int: Int]
  }

  func groupFixedPods() -> [FixedGroup] {
    struct Key: Hashable {
      var identity: PodIdentity
      var isTerminating: Bool
    }
    var index: [Key: Int] = [:]
    var groups: [FixedGroup] = []
    for pod in fixed {
      let key = Key(identity: pod.identity, isTerminating: pod.isTerminating)
      let group = index[key] ?? groups.count
      if group == groups.count {
        index[key] = group
        groups.append(FixedGroup(identity: pod.identity, isTerminating: pod.isTerminating, nodes: [:]))
      }
      groups[group].nodes[pod.node, default: 0] += 1
    }
    return groups
  }
}

extension [Int32] {
  /// Whether no two nodes share a domain.
  var isNodeByNode: Bool {
    var seen: Set<Int32> = []
    return allSatisfy { $0 < 0 || seen.insert($0).inserted }
  }
}
