import Kubernetes
import Testing

@testable import Extender

@Suite struct FilterTests {
  let names = ["a", "b", "c", "x"]

  private func state(isEnforcing: Bool) -> ExtenderState {
    var state = ExtenderState(nodes: ["a": "", "b": "", "c": ""], isEnforcing: isEnforcing)
    state.set(plan: plan(["cart": ["a": 1, "b": 1], "later": [:]]))
    return state
  }

  @Test("A plan alone refuses no node")
  func lenient() {
    #expect(state(isEnforcing: false).allowed(replica("cart"), names) == names)
  }

  @Test("An enforced plan leaves the nodes where it has room, and all of its nodes when it has none left")
  func enforced() {
    var state = state(isEnforcing: true)
    #expect(state.allowed(replica("cart"), names) == ["a", "b"])
    state.set(pod: "1", replica("cart"), on: "a")
    #expect(state.allowed(replica("cart"), names) == ["b"])
    state.set(pod: "2", replica("cart"), on: "b")
    #expect(state.allowed(replica("cart"), names) == ["a", "b"])
  }

  @Test("A pod of another namespace that claims a workload by its annotation takes up none of its places")
  func foreignClaim() {
    var state = state(isEnforcing: true)
    var claimant = RequestedPod(name: "p", namespace: "elsewhere", uid: "p")
    claimant.annotation = "shop/cart"
    claimant.owner = RequestedPod.Owner(kind: "StatefulSet", name: "own")
    let identity = claimant.identity(WorkloadOwners([]))
    state.set(pod: "p", identity, on: "a")
    #expect(state.allowed(replica("cart"), names) == ["a", "b"])
    #expect(state.allowed(identity, names) == names)
    // In its own namespace the same annotation counts.
    claimant.namespace = "shop"
    state.set(pod: "q", claimant.identity(WorkloadOwners([])), on: "a")
    #expect(state.allowed(replica("cart"), names) == ["b"])
  }

  @Test("An enforced plan does not hold what it does not place", arguments: ["other", "later"])
  func unplanned(workload: String) {
    #expect(state(isEnforcing: true).allowed(replica(workload), names) == names)
    #expect(state(isEnforcing: true).allowed(nil, names) == names)
  }

  @Test("Preemption leaves out nodes without victims, and keeps to the plan where that violates no more budgets")
  func preemption() {
    let state = state(isEnforcing: false)
    func offer(_ node: String, _ victims: Int, _ violations: Int) -> PreemptionOffer {
      PreemptionOffer(node: Int32(state.nodes.number(of: node) ?? -1), victims: victims, violations: violations)
    }
    let cases: [([PreemptionOffer], [Int])] = [
      ([offer("a", 1, 0), offer("c", 1, 0)], [0]),
      ([offer("a", 1, 1), offer("c", 1, 0)], [0, 1]),
      ([offer("a", 0, 0), offer("c", 1, 0)], [1]),
      ([offer("c", 2, 0), offer("x", 1, 0)], [0, 1]),
      ([], []),
    ]
    for (offers, kept) in cases { #expect(state.preemptible(replica("cart"), among: offers) == kept) }
    #expect(state.preemptible(nil, among: [offer("c", 1, 0), offer("a", 0, 0)]) == [0])
  }

  @Test("An enforced plan is not left by preemption")
  func enforcedPreemption() {
    let state = state(isEnforcing: true)
    let offers = ["c", "b"].map {
      PreemptionOffer(node: Int32(state.nodes.number(of: $0) ?? -1), victims: 1, violations: 0)
    }
    #expect(state.preemptible(replica("cart"), among: offers) == [1])
  }
}
