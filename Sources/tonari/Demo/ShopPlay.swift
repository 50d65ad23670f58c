import Daemon
import Foundation
import Model
import Placement
import Planner
import Selection
import TonariClient

/// Plays the calls between the services of a plan: each service calls the others as the traffic says, each of its replicas
/// as much as the other, from the nodes where the plan has them.
struct ShopPlay: Sendable {
  /// How many calls there were, and the share of the traffic that stayed on its node.
  struct Outcome: Sendable {
    var calls: Int
    var share: Double
  }

  /// A call: when, of which edge, from which node.
  private struct Call: Sendable {
    var time: Double
    var edge: Int
    var node: Int
  }

  private static let work = ToyReplica.Manner(concurrency: 2, mean: .milliseconds(40))
  /// How much replicas have to do, of what they can.
  private static let load = 0.95
  private static let duration = 6.0

  private let problem: Problem
  private let placed: [[Problem.Placed]]
  private let seed: UInt64

  init(_ placement: ScoredPlacement, seed: UInt64) {
    problem = placement.problem
    placed = placement.assignment.placed
    self.seed = seed
  }

  /// Makes the replicas known, as services by the names of the workloads.
  func register(in dispatcher: Dispatcher) {
    var port = 1
    for (w, workload) in problem.workloads.enumerated() {
      var replicas: [ServiceReplica] = []
      for place in placed[w] {
        for _ in 0..<place.replicas {
          let node = problem.nodes[place.node]
          replicas.append(
            ServiceReplica(
              address: "replica:\(port)", node: node.name,
              concurrency: Self.work.concurrency))
          port += 1
        }
      }
      dispatcher.set(replicas, of: "plan/\(workload.name)", from: .file, at: .now)
    }
  }

  /// Plays the calls and counts which stay.
  func play(selector address: SelectorAddress) async throws -> Outcome {
    let clients = problem.nodes.map { LoopbackSelector.client(of: address, node: $0.name) }
    return try await withThrowingTaskGroup(of: Outcome?.self) { group in
      for client in clients {
        group.addTask {
          try await client.run()
          return nil
        }
      }
      group.addTask { try await play(clients) }
      while let outcome = try await group.next() {
        guard let outcome else { continue }
        group.cancelAll()
        return outcome
      }
      throw CancellationError()
    }
  }

  private func play(_ clients: [SelectorClient]) async throws -> Outcome {
    // unique: each number is there once.
    let replicas = Dictionary(
      uniqueKeysWithValues: (1...max(1, problem.workloads.reduce(0) { $0 + $1.replicas })).map {
        ("replica:\($0)", ToyReplica(Self.work, seed: seed &+ UInt64(truncatingIfNeeded: $0)))
      })
    let calls = calls()
    let start = ContinuousClock.now
    let stayed = try await withThrowingTaskGroup(of: (Int, Bool).self) { group in
      for call in calls {
        group.addTask {
          try await Task.sleep(until: start + .seconds(saturating: call.time), clock: .continuous)
          let client = clients[call.node]
          let pick = try await client.pick("plan/\(problem.workloads[problem.edges[call.edge].v].name)")
          _ = await replicas[pick.address]?.work()
          client.complete(pick, .success)
          return (call.edge, pick.tier == .node)
        }
      }
      var stayed = [(kept: Int, all: Int)](repeating: (0, 0), count: problem.edges.count)
      for try await (edge, isLocal) in group {
        stayed[edge].all += 1
        if isLocal { stayed[edge].kept += 1 }
      }
      return stayed
    }
    // As the plan counts: each edge by its traffic.
    let traffic = problem.edges.indices.filter { stayed[$0].all > 0 }
    let total = traffic.reduce(0) { $0 + problem.edges[$1].traffic }
    let kept = traffic.reduce(0) {
      $0 + problem.edges[$1].traffic * Double(stayed[$1].kept) / Double(stayed[$1].all)
    }
    return Outcome(calls: calls.count, share: total > 0 ? kept / total : 1)
  }

  /// As many calls of each service as keep its replicas busy, shared out to those who call it by their traffic.
  private func calls() -> [Call] {
    var generator = SeededGenerator(seed: seed)
    var calls: [Call] = []
    for (v, workload) in problem.workloads.enumerated() {
      let edges = problem.edges.indices.filter { problem.edges[$0].v == v && problem.edges[$0].traffic > 0 }
      let traffic = edges.reduce(0) { $0 + problem.edges[$1].traffic }
      let pace = Double(Self.work.concurrency) / (Self.work.mean / .seconds(1))
      let rate = Self.load * Double(workload.replicas) * pace
      for edge in edges {
        let nodes = placed[problem.edges[edge].u].flatMap { Array(repeating: $0.node, count: $0.replicas) }
        let share = problem.edges[edge].traffic / traffic
        guard !nodes.isEmpty else { continue }
        var time = 0.0
        while true {
          time += -log(1 - generator.unit()) / (rate * share)
          guard time < Self.duration else { break }
          calls.append(Call(time: time, edge: edge, node: nodes[generator.below(nodes.count)]))
        }
      }
    }
    return calls
  }
}
