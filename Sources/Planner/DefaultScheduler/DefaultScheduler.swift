import Model
package import Placement

/// kube-scheduler as it is without Tonari, one pod after another: which nodes it would filter out, how it would score the
/// others, and which it would take.
///
/// Filtered is by capacity, selectors, affinity, taints, anti-affinity, hard spread constraints and volumes, all as the
/// problem has them. Scored is by the default plugins that tell nodes apart for most pods: `NodeResourcesFit`
/// (`LeastAllocated`), `NodeResourcesBalancedAllocation` and `PodTopologySpread` with its default constraints, at their
/// default weights. Not modelled are soft affinity and taints, image locality, and soft spread constraints of a pod's
/// own. A pod counts as spread with the pods of its own workload.
package struct DefaultScheduler: Sendable {
  let problem: Problem
  /// `counts[w][n]`: how many replicas of each workload each node holds.
  private(set) var counts: [[Int]]
  /// What is in use: `load[n * resources.count + k]`.
  private(set) var load: [Int64]
  /// The rules that speak of each workload.
  let rulesOfWorkload: [[Problem.Rule]]
  private var generator: SeededGenerator

  /// Makes a cluster in which only the pods outside of the plan run.
  ///
  /// - Parameters:
  ///   - seed: what decides between nodes that score the same, as kube-scheduler lets chance do.
  package init(_ input: PlanInput, seed: UInt64 = 1) {
    let problem = input.problem
    var rules = Array(repeating: [Problem.Rule](), count: problem.workloads.count)
    for rule in problem.rules {
      switch rule {
      case .atMost(let w, _, _), .together(let w, _, _, _, _, _), .spread(let w, _, _, _, _, _, _):
        rules[w].append(rule)
      case .apart(let w, let other, _):
        rules[w].append(rule)
        rules[other].append(rule)
      }
    }
    self.problem = problem
    rulesOfWorkload = rules
    counts = Array(repeating: Array(repeating: 0, count: problem.nodes.count), count: problem.workloads.count)
    load = problem.reserved
    generator = SeededGenerator(seed: seed)
    for w in problem.workloads.indices where input.references[w] == nil {
      for place in problem.current[w] ?? [] {
        for _ in 0..<place.replicas { bind(w, to: place.node) }
      }
    }
  }

  /// Where everything runs now.
  package var assignment: Assignment {
    Assignment(
      placed: counts.map { row in
        row.enumerated().filter { $0.element > 0 }.map { Problem.Placed(node: $0.offset, replicas: $0.element) }
      })
  }

  /// Runs one more replica of a workload on a node.
  package mutating func bind(_ w: Int, to n: Int) {
    counts[w][n] += 1
    for k in problem.resources.indices {
      load[n * problem.resources.count + k] += problem.requests[w * problem.resources.count + k]
    }
  }

  /// Takes one of the nodes with the highest score; nil where there are no nodes.
  package mutating func choose(among nodes: [Int], scores: [Int]) -> Int? {
    guard let highest = scores.max() else { return nil }
    let best = nodes.indices.filter { scores[$0] == highest }
    return nodes[best[generator.below(best.count)]]
  }
}
