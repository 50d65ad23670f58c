import Model
import Testing

@testable import Extender

@Suite struct ReplicaCountTests {
  private let start = ContinuousClock.now

  private func state() -> ExtenderState {
    var state = ExtenderState(nodes: ["a": "", "b": ""])
    state.set(plan: plan(["cart": ["a": 1, "b": 1]]))
    return state
  }

  private func room(_ state: ExtenderState, _ node: String) -> Int { state.room(for: replica("cart"), on: node).here }

  @Test("A binding counts at once, and once")
  func assumed() {
    var state = state()
    for _ in 0..<3 { state.assume(pod: "1", replica("cart"), on: "a", at: start) }
    #expect(room(state, "a") == 0)
    state.set(pod: "1", replica("cart"), on: "a")
    #expect(room(state, "a") == 0)
    #expect(state.assumedCount == 0)
    state.assume(pod: "1", replica("cart"), on: "b", at: start)
    #expect(room(state, "b") == 1)
  }

  @Test("A binding that never comes true expires")
  func expiry() {
    var state = state()
    state.assume(pod: "1", replica("cart"), on: "a", at: start)
    #expect(state.expire(at: start + .seconds(59)) == 0)
    #expect(state.expire(at: start + .seconds(60)) == 1)
    #expect(room(state, "a") == 1)
  }

  @Test("The watch corrects what was expected")
  func corrected() {
    var state = state()
    state.expect(pod: "1", replica("cart"), on: "a", at: start)
    #expect(room(state, "a") == 0)
    state.set(pod: "1", replica("cart"), on: "b")
    #expect(room(state, "a") == 1)
    #expect(room(state, "b") == 0)
  }

  @Test("Counts are those of a fresh count, whatever was told in whatever order")
  func consistent() {
    var generator = SeededGenerator(seed: 3)
    var state = state()
    for step in 0..<3000 {
      let uid = "\(generator.below(12))"
      let node = ["a", "b", "c"][generator.below(3)]
      let identity =
        generator.below(2) == 0
        ? replica("cart", revision: "\(generator.below(2))")
        : ReplicaIdentity(.name(WorkloadName(namespace: "shop", name: ["cart", "odd"][generator.below(2)])))
      let now = start + .seconds(step)
      switch generator.below(8) {
      case 0: state.set(pod: uid, nil, on: nil)
      case 1...3: state.set(pod: uid, identity, on: node)
      case 4: state.assume(pod: uid, identity, on: node, at: now)
      case 5: state.expect(pod: uid, identity, on: node, at: now)
      case 6: _ = state.expire(at: now)
      default: if generator.below(20) == 0 { state.set(plan: plan(["cart": [node: 1]])) }
      }
      let running = state.workloads.reduce(0) { $0 + $1.running.total }
      #expect(running == state.replicaCount)
      for workload in state.workloads {
        #expect(workload.running.entries.allSatisfy { $0.count > 0 })
        #expect(workload.revisions.values.reduce(0) { $0 + $1.total } == workload.running.total)
      }
    }
  }

  @Test("Nodes that come and go leave nothing behind")
  func nodes() {
    var state = state()
    for i in 0..<5000 {
      state.set(node: "n\(i)", zone: "z")
      state.remove(node: "n\(i)")
    }
    #expect(state.nodeCount == 2)
    #expect(state.nodes.count < 1100)
  }
}
