import Daemon
import Formats
import Foundation
import Kubernetes
import Model
import NIOCore
import Testing

@testable import Extender

@Suite struct DecisionStoreTests {
  private let start = ContinuousClock.now

  private func decision(_ uid: String, annotation: String? = nil) -> SchedulerWebhook.Decision {
    var pod = RequestedPod(name: "p", namespace: "shop", uid: uid)
    pod.annotation = annotation
    return SchedulerWebhook.Decision(pod: pod, identity: replica("cart"), fit: .offered)
  }

  @Test("The oldest go where there are too many, or they take too much")
  func bounded() {
    var store = DecisionStore()
    for i in 0..<20_000 { store.insert(decision("\(i)"), at: start) }
    #expect(store.count == DecisionStore.mostDecisions)
    #expect(store["0"] == nil)
    #expect(store["19999"] != nil)
    let long = String(repeating: "x", count: 100_000)
    for i in 0..<1000 { store.insert(decision("long \(i)", annotation: long), at: start) }
    #expect(store.bytes <= DecisionStore.mostBytes)
    #expect(store.count > 100)
    #expect(store["long 999"] != nil)
  }

  @Test("They expire, each in its time, and a decision anew has a time of its own")
  func expiry() {
    var store = DecisionStore()
    store.insert(decision("a"), at: start)
    store.insert(decision("b"), at: start)
    store.insert(decision("a"), at: start + .seconds(100))
    store.expire(at: start + DecisionStore.lifetime)
    #expect(store["a"] != nil && store["b"] == nil)
    store.expire(at: start + DecisionStore.lifetime + .seconds(100))
    #expect(store.count == 0)
    #expect(store.bytes == 0)
  }

  @Test("Counts are those of what is there, whatever is decided in whatever order")
  func consistent() {
    var generator = SeededGenerator(seed: 7)
    var store = DecisionStore()
    var expected: [String: ContinuousClock.Instant] = [:]
    for step in 0..<20_000 {
      let now = start + .seconds(step)
      let uid = "\(generator.below(50))"
      if generator.below(3) > 0 {
        store.insert(decision(uid), at: now)
        expected[uid] = now + DecisionStore.lifetime
      } else {
        #expect((store.remove(uid) != nil) == (expected.removeValue(forKey: uid) != nil))
      }
      if generator.below(1000) == 0 {
        store.expire(at: now + .seconds(3500))
        expected = expected.filter { $0.value > now + .seconds(3500) }
      }
      #expect(store.count == expected.count)
    }
    for uid in expected.keys { store.remove(uid) }
    #expect(store.bytes == 0)
  }

  private func webhook() -> SchedulerWebhook {
    var state = ExtenderState(nodes: ["a": "z", "b": "z"])
    state.set(plan: plan(["cart": ["a": 2, "b": 1]]))
    return SchedulerWebhook(state)
  }

  private func bindings(_ webhook: SchedulerWebhook) -> Int {
    webhook.metrics.registry.text.split(separator: "\n").filter { $0.contains("plan_bindings_total{") }
      .compactMap { $0.split(separator: " ").last.flatMap { Double($0) }.map { Int($0) } }.reduce(0, +)
  }

  @Test("What was decided for a pod is forgotten once it is gone, and after an hour")
  func forgotten() throws {
    let webhook = webhook()
    let identity = replica("cart", revision: "abc12")
    func ask(_ name: String) throws {
      _ = try webhook.prioritize(request(pod(name, of: "cart"), names: ["a", "b"]), at: start)
    }
    try ask("p")
    webhook.observe(pod: "uid-p", identity, on: "a")
    #expect(bindings(webhook) == 1)
    try ask("q")
    webhook.observe(pod: "uid-q", nil, on: nil)
    webhook.observe(pod: "uid-q", identity, on: "a")
    #expect(bindings(webhook) == 1)
    try ask("r")
    webhook.expire(at: start + .seconds(3601))
    webhook.observe(pod: "uid-r", identity, on: "a")
    #expect(bindings(webhook) == 1)
  }

  @Test("A binding to a node, or of a workload, that nobody knows leaves nothing behind")
  func unknown() async throws {
    let webhook = webhook()
    let before = webhook.update { [$0.nodes.count, $0.workloads.count, $0.assumedCount] }
    for i in 0..<20 {
      let workload = i.isMultiple(of: 2) ? "cart" : "made-up-\(i)"
      // Nothing is expected of a pod for which no node is offered.
      _ = try webhook.prioritize(request(pod("p\(i)", of: workload), names: []), at: start)
      let node = i.isMultiple(of: 2) ? "made-up-\(i)" : "a"
      _ = try await webhook.bind(
        ByteBuffer(string: #"{"PodName":"p","PodNamespace":"shop","PodUID":"uid-p\#(i)","Node":"\#(node)"}"#),
        at: start)
    }
    #expect(webhook.update { [$0.nodes.count, $0.workloads.count, $0.assumedCount] } == before)
  }
}
