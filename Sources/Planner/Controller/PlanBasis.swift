import Placement

/// What a plan is made from, as far as a change of it asks for another plan.
///
/// Rules, taints and what pods outside of the plan use are not part of it: where they matter, the plan that stands is
/// broken by them, and that asks for another plan by itself.
package struct PlanBasis: Hashable, Sendable {
  struct Workload: Hashable, Sendable {
    var replicas: Int
    var requests: [Int64]
  }

  struct Node: Hashable, Sendable {
    var zone: String
    var allocatable: [Int64]
  }

  /// Two ends of traffic, by name, the lesser first.
  struct Pair: Hashable, Sendable {
    var a: String
    var b: String
  }

  var resources: [String]
  var workloads: [String: Workload]
  var nodes: [String: Node]
  /// Each edge's share of all traffic.
  var traffic: [Pair: Double]

  /// Takes what matters of an input.
  package init(_ input: PlanInput) {
    let problem = input.problem
    let count = problem.resources.count
    func row(_ values: [Int64], _ i: Int) -> [Int64] { Array(values[i * count..<(i + 1) * count]) }
    resources = problem.resources
    workloads = [:]
    for (w, workload) in problem.workloads.enumerated() {
      workloads[workload.name] = Workload(replicas: workload.replicas, requests: row(problem.requests, w))
    }
    nodes = [:]
    for (n, node) in problem.nodes.enumerated() {
      nodes[node.name] = Node(zone: problem.zones[node.zone], allocatable: row(problem.allocatable, n))
    }
    traffic = [:]
    let total = problem.edges.reduce(0) { $0 + $1.traffic }
    for edge in problem.edges where total > 0 {
      let names = [problem.workloads[edge.u].name, problem.workloads[edge.v].name].sorted()
      traffic[Pair(a: names[0], b: names[1]), default: 0] += edge.traffic / total
    }
  }

  /// How far the traffic is from what it was, from 0 to 1: the total variation distance of the edges' shares,
  /// `½ Σ_e |p_e − q_e|`, that is the share of the traffic that is between others now.
  package func trafficDistance(from other: PlanBasis) -> Double {
    if traffic.isEmpty || other.traffic.isEmpty { return traffic.isEmpty == other.traffic.isEmpty ? 0 : 1 }
    return Set(traffic.keys).union(other.traffic.keys).reduce(0) { distance, pair in
      distance + abs((traffic[pair] ?? 0) - (other.traffic[pair] ?? 0)) / 2
    }
  }
}
