import Formats
import Kubernetes
import Placement
import Planner

/// Schedules each replica of a plan's workloads, one after another, as kube-scheduler would.
struct SchedulingPlay: Sendable {
  /// What became of the replicas.
  struct Outcome: Sendable {
    /// A replica, and the node that it was bound to; nil where no node takes it.
    struct Pod: Sendable {
      var workload: Int
      var node: Int?
    }

    /// In the order in which they came.
    var pods: [Pod]
    /// Where everything runs in the end.
    var scheduler: DefaultScheduler
    /// How long the extender's answers to one pod took in the middle of all; nil without an extender.
    var typicalWait: Duration?
  }

  /// The weight of the extender in `manifests/scheduler`.
  static let defaultWeight = 200

  /// What is modelled, in a sentence or two.
  static let model = """
    nodes are filtered by capacity, selectors, affinity, taints, anti-affinity, hard spread and volumes, and scored by \
    LeastAllocated, BalancedAllocation and the default topology spread at their default weights. Left out are soft \
    affinity and taints, and image locality.
    """

  private let input: PlanInput
  private let weight: Int
  private let extender: ExtenderCaller?
  private var scheduler: DefaultScheduler

  init(_ input: PlanInput, seed: UInt64, weight: Int, extender: ExtenderCaller? = nil) {
    self.input = input
    self.weight = weight
    self.extender = extender
    scheduler = DefaultScheduler(input, seed: seed)
  }

  /// Schedules all replicas. One that no node takes is tried again as long as others find a place after it.
  consuming func play() async throws -> Outcome {
    var pods: [Outcome.Pod] = []
    var names: [JSONValue] = []
    for (w, workload) in input.problem.workloads.enumerated() {
      guard let reference = input.references[w] else { continue }
      for ordinal in 0..<workload.replicas {
        names.append(Self.pod(of: reference, ordinal))
        pods.append(Outcome.Pod(workload: w, node: nil))
      }
    }
    var waits: [Duration] = []
    var waiting = Array(pods.indices)
    while !waiting.isEmpty {
      var left: [Int] = []
      for p in waiting {
        guard let (node, wait) = try await cycle(pods[p].workload, names[p]) else {
          left.append(p)
          continue
        }
        pods[p].node = node
        waits.append(wait)
      }
      guard left.count < waiting.count else { break }
      waiting = left
    }
    let typical = extender == nil || waits.isEmpty ? nil : waits.sorted()[waits.count / 2]
    return Outcome(pods: pods, scheduler: scheduler, typicalWait: typical)
  }

  /// One scheduling cycle; nil where no node takes the pod.
  private mutating func cycle(_ w: Int, _ pod: JSONValue) async throws -> (node: Int, wait: Duration)? {
    var nodes = scheduler.feasibleNodes(for: w)
    guard let extender else {
      let node = scheduler.choose(among: nodes, scores: scheduler.scores(of: w, on: nodes))
      guard let node else { return nil }
      scheduler.bind(w, to: node)
      return (node, .zero)
    }
    guard !nodes.isEmpty else { return nil }
    let problem = input.problem
    let start = ContinuousClock.now
    let kept = Set(try await extender.filter(pod, nodes.map { problem.nodes[$0].name }))
    nodes.removeAll { !kept.contains(problem.nodes[$0].name) }
    guard !nodes.isEmpty else { return nil }
    let priorities = try await extender.prioritize(pod, nodes.map { problem.nodes[$0].name })
    var wait = start.duration(to: .now)
    // kube-scheduler stretches an extender's 10 points to the 100 that a plugin has.
    let scores = zip(nodes, scheduler.scores(of: w, on: nodes)).map { n, score in
      score + (priorities[problem.nodes[n].name] ?? 0) * weight * 10
    }
    guard let node = scheduler.choose(among: nodes, scores: scores) else { return nil }
    let binding = ContinuousClock.now
    try await extender.bind(pod, to: problem.nodes[node].name)
    wait += binding.duration(to: .now)
    scheduler.bind(w, to: node)
    return (node, wait)
  }

  /// A replica as its controller would make it.
  private static func pod(of reference: PlacementPlan.WorkloadReference, _ ordinal: Int) -> JSONValue {
    let hash = "demo"
    let isDeployment = reference.kind == Deployment.kind
    let owner: JSONValue = [
      "kind": .string(isDeployment ? ReplicaSet.kind : reference.kind),
      "name": .string(isDeployment ? "\(reference.name)-\(hash)" : reference.name), "controller": true,
    ]
    return [
      "metadata": [
        "name": .string("\(reference.name)-\(ordinal)"), "namespace": .string(reference.namespace),
        "uid": .string("\(reference.kind)/\(reference.namespace)/\(reference.name)/\(ordinal)"),
        "labels": isDeployment ? ["pod-template-hash": .string(hash)] : [:], "ownerReferences": [owner],
      ]
    ]
  }
}
