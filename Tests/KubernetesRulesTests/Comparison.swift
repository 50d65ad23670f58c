import Extender
import Foundation
import Kubernetes
import Logging
import Model
import NIOCore
import Placement
import PlacementTestSupport
import Planner
import Traffic

/// What the planner, the evaluation, the exported model and the extender say of a cluster, beside what the rules say.
struct Comparison {
  private let cluster: Cluster
  let rules: Rules
  private let input: PlanInput
  /// The index of each of the cluster's workloads in the problem; the same for nodes, nil for those that take nothing.
  private let workloadIndex: [Int]
  private let nodeIndex: [Int?]
  /// Each valid or invalid placement that keeps within the moves, with what it costs.
  private let candidates: [(counts: [[Int]], objective: Double)]
  private let best: (counts: [[Int]], objective: Double)?
  /// Whether the planner leaves out replicas that wait for pods of their own workload: then there is no placement of all.
  private let leavesOut: Bool

  /// How often what came about, to see that the clusters are worth comparing.
  struct Tally {
    var feasible = 0
    var infeasible = 0
    var unproven = 0
    var valid = 0
    var invalid = 0
    /// Pods that the extender was asked for.
    var started = 0
    var faults: [String: Int] = [:]
    /// What the planner took.
    var solving = Duration.zero
  }

  init(_ cluster: Cluster) throws {
    self.cluster = cluster
    var snapshot = ClusterSnapshot()
    try snapshot.read(Array(cluster.json.utf8), source: "cluster.json")
    let problem = ClusterProblem(snapshot)
    var input = try PlanInput(problem, cluster.graph)
    let rules = Rules(cluster)
    let prices = rules.prices
    input.problem.weights.utilization = prices.utilization
    input.problem.weights.move = prices.move
    input.problem.weights.maxMoves = cluster.maxMoves
    workloadIndex = cluster.workloads.map { problem.workloads.firstIndex(of: $0.reference) ?? -1 }
    leavesOut = zip(cluster.workloads, workloadIndex).contains { workload, w in
      problem.problem.workloads.indices.contains(w) && problem.problem.workloads[w].replicas < workload.replicas
    }
    nodeIndex = cluster.nodes.map { node in input.problem.nodes.firstIndex { $0.name == node.name } }
    let candidates = rules.placements.filter { rules.moves(to: $0) <= cluster.maxMoves ?? .max }
      .map { (counts: $0, objective: rules.objective(of: $0, prices)) }
    best = candidates.sorted { $0.objective < $1.objective }.first { rules.fault(in: $0.counts) == nil }
    self.candidates = candidates
    self.rules = rules
    self.input = input
  }

  // MARK: Plan

  /// What is wrong with what the planner says; nil where nothing is.
  ///
  /// - Parameter provesInfeasibility: whether the planner is to be asked where counting does not say that there is none.
  func faultOfPlan(provesInfeasibility: Bool, _ tally: inout Tally) -> String? {
    let conflicts = input.conflicts()
    if let best, !conflicts.isEmpty {
      return "there is a placement, \(text(best.counts)), but counting says: \(conflicts.joined(separator: "; "))"
    }
    if let best, leavesOut { return "there is a placement, \(text(best.counts)), but replicas are left out" }
    if best == nil { tally.infeasible += 1 } else { tally.feasible += 1 }
    if leavesOut { return nil }
    if best == nil, !conflicts.isEmpty || !provesInfeasibility { return nil }
    let clock = ContinuousClock()
    let start = clock.now
    do {
      let result = Result { try solve() }
      tally.solving += clock.now - start
      let solution = try result.get()
      let counts = counts(solution.assignment)
      if let reason = rules.fault(in: counts) {
        return "the plan \(text(counts)) is not valid: \(rules.text(reason)); "
          + (best.map { "valid is \(text($0.counts)) at \($0.objective)" } ?? "nothing is")
      }
      let moves = rules.moves(to: counts)
      if let most = cluster.maxMoves, moves > most { return "the plan \(text(counts)) has \(moves) moves" }
      guard let best else { return "the plan \(text(counts)) is valid, but was not found by looking at all" }
      let objective = rules.objective(of: counts, rules.prices)
      if !isEqual(objective, solution.evaluation.objective) {
        return "the plan \(text(counts)) costs \(objective), but says \(solution.evaluation.objective)"
      }
      if solution.evaluation.moves != moves {
        return "the plan \(text(counts)) has \(moves) moves, but says \(solution.evaluation.moves)"
      }
      if !isEqual(objective, best.objective) {
        return "the plan \(text(counts)) costs \(objective)\(solution.isOptimal ? ", 'proven optimal'" : ""), "
          + "\(text(best.counts)) only \(best.objective)"
      }
      if solution.lowerBound > best.objective + 1e-6 * max(1, abs(best.objective)) {
        return "the lower bound \(solution.lowerBound) is above the optimum, \(best.objective)"
      }
      if !solution.isOptimal { tally.unproven += 1 }
      return faultOfExtender(following: counts, &tally)
    } catch {
      return best.map { "there is a placement, \(text($0.counts)), but the planner says: \(error)" }
    }
  }

  private func solve() throws -> Solution {
    let clock = ContinuousClock()
    let start = clock.now
    return try input.problem.solve(
      SolverOptions(timeLimit: .seconds(20), threads: 1, prove: true), SolverContext(elapsed: { clock.now - start }))
  }

  // MARK: Evaluation

  /// What is wrong with the violations that are told of a few random placements.
  func faultOfEvaluation(seed: Int, _ tally: inout Tally) throws -> String? {
    if leavesOut { return nil }
    var random = SeededGenerator(seed: UInt64(seed) ^ 0xE7A1)
    var placements = (0..<6).compactMap { _ in
      candidates.isEmpty ? nil : candidates[random.below(candidates.count)].counts
    }
    for _ in 0..<2 {
      placements.append(
        cluster.workloads.map { workload in
          var counts = Array(repeating: 0, count: cluster.nodes.count)
          for _ in 0..<workload.replicas { counts[random.below(counts.count)] += 1 }
          return counts
        })
    }
    // What runs now, where all of it runs.
    if zip(rules.running, cluster.workloads).allSatisfy({ $0.reduce(0, +) == $1.replicas }) {
      placements.append(rules.running)
    }
    for counts in placements {
      let fault = rules.fault(in: counts)
      let violations = violations(of: counts)
      if let fault {
        tally.invalid += 1
        tally.faults[fault.name, default: 0] += 1
      } else {
        tally.valid += 1
      }
      if (fault == nil) != violations.isEmpty {
        return "\(text(counts)) is \(fault.map { "not valid: \(rules.text($0))" } ?? "valid"), but evaluating it says "
          + (violations.isEmpty ? "nothing" : violations.joined(separator: "; "))
      }
    }
    return nil
  }

  private func violations(of counts: [[Int]]) -> [String] {
    do {
      return try ScoredPlacement(plan(of: counts), file: "plan.yaml", on: input).violations
    } catch {
      return ["\(error)"]
    }
  }

  private func plan(of counts: [[Int]]) -> PlacementPlan {
    PlacementPlan(
      name: "plan",
      placements: zip(cluster.workloads, counts).map { workload, counts in
        PlacementPlan.Placement(
          workload: PlacementPlan.WorkloadReference(
            kind: workload.kind, namespace: workload.namespace, name: workload.name),
          nodes: zip(cluster.nodes, counts).filter { $0.1 > 0 }.map {
            PlacementPlan.NodeShare(name: $0.name, replicas: $1)
          })
      }, status: nil)
  }

  // MARK: The exported model

  /// What is wrong with what `glpsol` says of the exported model.
  func faultOfModel() throws -> String? {
    if leavesOut { return nil }
    let answer = try Glpsol.solve("placement.mod", text: input.problem.exportModel())
    if let best {
      guard let cost = answer.cost, answer.isOptimal else {
        return "there is a placement, \(text(best.counts)), but glpsol finds none:\n\(answer.output.suffix(500))"
      }
      return isEqual(cost, best.objective) ? nil : "the optimum is \(best.objective), but glpsol says \(cost)"
    }
    return answer.isInfeasible ? nil : "there is no placement, but glpsol says:\n\(answer.output.suffix(500))"
  }

  // MARK: The extender

  /// Plays kube-scheduler, which starts what is missing and asks the extender for each pod, until all runs.
  private func faultOfExtender(following plan: [[Int]], _ tally: inout Tally) -> String? {
    var state = ExtenderState(isEnforcing: true)
    state.set(input)
    state.set(plan: self.plan(of: plan))
    let webhook = SchedulerWebhook(state, logger: Logger(label: "rules") { _ in SwiftLogNoOpLogHandler() })
    var (counts, pods) = rules.start(for: plan)
    // Pods of a workload by number, those that run on other nodes than planned left out.
    var ordinals = counts.map { _ in 0 }
    func run(_ w: Int, on node: Int) {
      let workload = cluster.workloads[w]
      webhook.observe(
        pod: workload.uid(ofPod: ordinals[w]),
        ReplicaIdentity(.reference(workload.reference), revision: workload.revision), on: cluster.nodes[node].name)
      ordinals[w] += 1
    }
    for w in counts.indices {
      for n in counts[w].indices { for _ in 0..<counts[w][n] { run(w, on: n) } }
    }
    while counts != plan {
      let before = counts
      for w in counts.indices where counts[w].reduce(0, +) < plan[w].reduce(0, +) {
        let allowed = cluster.nodes.indices.filter { rules.allows(w, on: $0, beside: pods) }
        if allowed.isEmpty { continue }
        let kept: [Int]
        do {
          kept = try ask(webhook, cluster.workloads[w].pod(ordinal: ordinals[w], on: nil), allowed)
        } catch {
          return "the extender answers for \(cluster.workloads[w].name): \(error)"
        }
        tally.started += 1
        let planned = allowed.filter { counts[w][$0] < plan[w][$0] }
        if kept != planned {
          return "following \(text(plan)), with \(text(counts)) running, the extender leaves "
            + "\(cluster.workloads[w].name) \(names(kept)) of \(names(allowed)), where the plan has room on "
            + "\(names(planned))"
        }
        guard let node = kept.first else { continue }
        counts[w][node] += 1
        pods.append(Rules.Placed(kind: w, node: node))
        run(w, on: node)
      }
      if counts == before { return "following \(text(plan)), nothing more starts after \(text(counts))" }
    }
    return nil
  }

  private struct BadAnswer: Error {
    var text: String
  }

  private func ask(_ webhook: SchedulerWebhook, _ pod: JSON, _ offered: [Int]) throws -> [Int] {
    let request: JSON = ["Pod": pod, "NodeNames": .list(offered.map { .text(cluster.nodes[$0].name) })]
    let answer = try webhook.filter(ByteBuffer(string: request.text), at: .now)
    let bytes = Data(answer.joined.readableBytesView)
    guard let object = try JSONSerialization.jsonObject(with: bytes) as? [String: Any],
      let names = object["NodeNames"] as? [String]
    else { throw BadAnswer(text: String(decoding: bytes, as: UTF8.self)) }
    return try names.map { name in
      guard let node = cluster.nodes.firstIndex(where: { $0.name == name }) else { throw BadAnswer(text: name) }
      return node
    }.sorted()
  }

  // MARK: Words

  private func counts(_ assignment: Assignment) -> [[Int]] {
    workloadIndex.map { w in
      nodeIndex.map { n in
        assignment.placed[w].first { $0.node == n }?.replicas ?? 0
      }
    }
  }

  private func text(_ counts: [[Int]]) -> String {
    zip(cluster.workloads, counts).map { workload, counts in
      let places = zip(cluster.nodes, counts).filter { $0.1 > 0 }.map { $1 == 1 ? $0.name : "\($0.name)×\($1)" }
      return "\(workload.name): \(places.isEmpty ? "–" : places.joined(separator: " "))"
    }.joined(separator: ", ")
  }

  private func names(_ nodes: [Int]) -> String { "[\(nodes.map { cluster.nodes[$0].name }.joined(separator: " "))]" }

  private func isEqual(_ a: Double, _ b: Double) -> Bool { abs(a - b) <= 1e-6 * max(1, abs(a), abs(b)) }
}

extension Rules.Fault {
  /// The rule that is broken, without the places.
  fileprivate var name: String {
    guard case .failure(_, _, let failure) = self else { return "\(self)" }
    return "\("\(failure)".prefix { $0 != "(" })"
  }
}

extension Cluster {
  /// The traffic as it would be read from ``csv``.
  fileprivate var graph: TrafficGraph {
    var graph = TrafficGraph()
    for edge in conversations {
      let ends = [edge.source, edge.destination].map { w in
        graph.index(of: TrafficEndpoint(namespace: workloads[w].namespace, name: workloads[w].name))
      }
      graph.add(
        source: ends[0], destination: ends[1], bytesPerSecond: edge.bytesPerSecond, requestsPerSecond: nil)
    }
    return graph
  }
}

extension Cluster.Workload {
  fileprivate var reference: WorkloadReference {
    WorkloadReference(kind: kind, name: WorkloadName(namespace: namespace, name: name))
  }
}
