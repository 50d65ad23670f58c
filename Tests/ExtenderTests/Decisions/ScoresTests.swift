import Kubernetes
import Model
import Testing

@testable import Extender

@Suite struct ScoresTests {
  let names = ["a", "b", "c", "d"]

  private func state() -> ExtenderState {
    ExtenderState(nodes: ["a": "z1", "b": "z1", "c": "z2", "d": "z2"])
  }

  @Test("Nodes where the plan has room score highest, by how much is left there")
  func room() {
    var state = state()
    state.set(plan: plan(["cart": ["a": 3, "b": 1]]))
    #expect(state.scores(replica("cart"), names) == ([10, 6, 0, 0], .offered))
    state.set(pod: "1", replica("cart"), on: "a")
    state.set(pod: "2", replica("cart"), on: "a")
    #expect(state.scores(replica("cart"), names) == ([10, 10, 0, 0], .offered))
    state.set(pod: "3", replica("cart"), on: "b")
    #expect(state.scores(replica("cart"), names) == ([10, 0, 0, 0], .offered))
  }

  @Test("A planned node that is not offered is a miss, and what is offered is scored")
  func absent() {
    var state = state()
    state.set(plan: plan(["cart": ["a": 1]]))
    #expect(state.scores(replica("cart"), ["c", "d"]) == ([0, 0], .absent))
  }

  @Test("More replicas than planned go to the plan's nodes, where there is no traffic to go by")
  func full() {
    var state = state()
    state.set(plan: plan(["cart": ["a": 2, "c": 1]]))
    for (i, node) in ["a", "a", "c"].enumerated() { state.set(pod: "\(i)", replica("cart"), on: node) }
    #expect(state.scores(replica("cart"), names) == ([10, 0, 5, 0], .full))
  }

  @Test("Replicas of another template do not take the plan's room")
  func rollout() {
    var state = state()
    state.set(plan: plan(["cart": ["a": 1]]))
    state.set(pod: "old", replica("cart", revision: "1"), on: "a")
    #expect(state.scores(replica("cart", revision: "1"), names).fit == .full)
    #expect(state.scores(replica("cart", revision: "2"), names) == ([10, 0, 0, 0], .offered))
  }

  @Test("Without a plan the score is the traffic that stays, on the node first, then in the zone")
  func traffic() {
    var state = state()
    state.set(traffic: TrafficEdges([TrafficEdges.Edge(deployment("cart"), deployment("db"), traffic: 8)]))
    state.set(pod: "db", replica("db"), on: "a")
    // a keeps node (1) and zone (3), b the zone alone: 3/4 of it.
    #expect(state.scores(replica("cart"), names) == ([10, 8, 0, 0], .unplanned))
  }

  @Test("A partner that has all the replicas it can use attracts no more")
  func saturation() {
    var state = state()
    state.set(traffic: TrafficEdges([TrafficEdges.Edge(deployment("cart"), deployment("db"), traffic: 8)]))
    state.set(pod: "db1", replica("db"), on: "a")
    state.set(pod: "db2", replica("db"), on: "c")
    state.set(replicas: 2, of: deployment("cart"))
    #expect(state.scores(replica("cart"), names).scores == [10, 8, 10, 8])
    state.set(pod: "cart1", replica("cart"), on: "a")
    #expect(state.scores(replica("cart"), names).scores == [0, 0, 10, 8])
  }

  @Test("While the plan has room elsewhere, traffic ranks the other nodes below it")
  func both() {
    var state = state()
    state.set(plan: plan(["cart": ["d": 1]]))
    state.set(traffic: TrafficEdges([TrafficEdges.Edge(deployment("cart"), deployment("db"), traffic: 1)]))
    state.set(pod: "db", replica("db"), on: "a")
    #expect(state.scores(replica("cart"), names) == ([5, 4, 0, 10], .offered))
    #expect(state.scores(replica("cart"), ["a", "b"]) == ([10, 8], .absent))
  }

  @Test("Unknown nodes, unknown workloads and bare pods score nothing")
  func unknown() {
    var state = state()
    state.set(plan: plan(["cart": ["a": 1]]))
    #expect(state.scores(replica("cart"), ["x", "a"]) == ([0, 10], .offered))
    #expect(state.scores(replica("other"), names) == ([0, 0, 0, 0], .unplanned))
    #expect(state.scores(nil, names) == ([0, 0, 0, 0], .unplanned))
    #expect(state.scores(replica("cart"), []) == ([], .absent))
  }

  @Test("A name in an annotation means the planned Deployment")
  func annotation() {
    var state = state()
    let named = ReplicaIdentity(.name(WorkloadName(namespace: "shop", name: "cart")))
    state.set(pod: "early", named, on: "a")
    state.set(plan: plan(["cart": ["a": 2]]))
    #expect(state.scores(named, names) == ([10, 0, 0, 0], .offered))
    state.set(pod: "second", replica("cart"), on: "a")
    #expect(state.scores(named, names).fit == .full)
    state.set(pod: "early", nil, on: nil)
    #expect(state.scores(named, names).fit == .offered)
  }

  @Test("One node alone scores highest where the plan decides")
  func decision() {
    var state = state()
    state.set(plan: plan(["cart": ["b": 1, "c": 1]]))
    var scores = state.scores(for: replica("cart"), on: [0, 1, 2, 3])
    #expect(state.decide(&scores) == scores.scores.firstIndex(of: 10))
    #expect(scores.scores.sorted() == [0, 0, 9, 10])
  }

  @Test("The marginal gain is the difference of the planner's objective, for any placement")
  func marginal() throws {
    var generator = SeededGenerator(seed: 11)
    for _ in 0..<200 {
      let zones = (0..<4).map { _ in generator.below(2) }
      var state = ExtenderState()
      for n in 0..<4 { state.set(node: "n\(n)", zone: "z\(zones[n])") }
      let wanted = [1 + generator.below(4), 1 + generator.below(4), 1 + generator.below(4)]
      var counts = Array(repeating: Array(repeating: 0, count: 4), count: 3)
      let edges = [(0, 1, Double(1 + generator.below(9))), (0, 2, Double(1 + generator.below(9)))]
      state.set(
        traffic: TrafficEdges(edges.map { TrafficEdges.Edge(deployment("w\($0)"), deployment("w\($1)"), traffic: $2) }))
      for w in 0..<3 {
        state.set(replicas: wanted[w], of: deployment("w\(w)"))
        for i in 0..<(w == 0 ? wanted[w] - 1 : wanted[w]) {
          let n = generator.below(4)
          counts[w][n] += 1
          state.set(pod: "\(w)-\(i)", replica("w\(w)"), on: "n\(n)")
        }
      }
      func kept(_ counts: [[Int]]) -> Double {
        edges.reduce(0) { sum, edge in
          func share(_ domains: [[Int]]) -> Double {
            domains.reduce(0) { sum, nodes in
              let u = nodes.reduce(0) { $0 + counts[edge.0][$1] }, v = nodes.reduce(0) { $0 + counts[edge.1][$1] }
              return sum + min(Double(u) / Double(wanted[edge.0]), Double(v) / Double(wanted[edge.1]))
            }
          }
          let inZones = (0..<2).map { z in (0..<4).filter { zones[$0] == z } }
          return sum + edge.2 * (share((0..<4).map { [$0] }) + 3 * share(inZones))
        }
      }
      let gains = (0..<4).map { n in
        var more = counts
        more[0][n] += 1
        return kept(more) - kept(counts)
      }
      let best = gains.max() ?? 0
      let expected = gains.map { best > 1e-9 ? Int((10 * $0 / best).rounded()) : 0 }
      let found = state.scores(replica("w0"), (0..<4).map { "n\($0)" }).scores
      for (a, b) in zip(expected, found) { #expect(abs(a - b) <= 1, "\(gains) \(found)") }
    }
  }
}
