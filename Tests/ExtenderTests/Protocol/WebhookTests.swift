import Daemon
import Foundation
import Kubernetes
import NIOCore
import Synchronization
import Testing

@testable import Extender

@Suite struct WebhookTests {
  let names = ["a", "b", "c"]

  private func webhook(isEnforcing: Bool = false, cluster: (any BindingCluster)? = nil) -> SchedulerWebhook {
    var state = ExtenderState(nodes: ["a": "z1", "b": "z1", "c": "z2"], isEnforcing: isEnforcing)
    state.set(plan: plan(["cart": ["a": 2, "b": 1]]))
    return SchedulerWebhook(state, cluster: cluster)
  }

  @Test("Filter echoes what it leaves, names or whole nodes, byte for byte")
  func filter() throws {
    let webhook = webhook()
    let names = try webhook.filter(request(pod("p", of: "cart"), names: names), at: .now).json as? [String: Any]
    #expect(names?["NodeNames"] as? [String] == self.names)
    let body = request(pod("p", of: "cart"), nodes: self.names)
    let answer = try webhook.filter(body, at: .now).joined
    let nodes = try #require(String(buffer: body).range(of: #"{"metadata": {}, "items""#))
    let end = try #require(String(buffer: body).range(of: #", "NodeNames""#))
    #expect(String(buffer: answer).contains(String(buffer: body)[nodes.lowerBound..<end.lowerBound]))
  }

  @Test("An enforced plan says why a node is refused", arguments: [false, true])
  func enforced(isWhole: Bool) throws {
    let pod = pod("p", of: "cart")
    let body = isWhole ? request(pod, nodes: names) : request(pod, names: names)
    let answer = try webhook(isEnforcing: true).filter(body, at: .now).json as? [String: Any]
    let reason = ["c": "the plan places Deployment shop/cart on a, b"]
    #expect(answer?["FailedNodes"] as? [String: String] == reason)
    #expect(answer?["FailedAndUnresolvableNodes"] as? [String: String] == reason)
    if isWhole {
      let items = (answer?["Nodes"] as? [String: Any])?["items"] as? [[String: Any]]
      #expect(items?.map { ($0["metadata"] as? [String: Any])?["name"] as? String } == ["a", "b"])
    } else {
      #expect(answer?["NodeNames"] as? [String] == ["a", "b"])
    }
  }

  @Test("Pod after pod goes where the plan has room, before any watch tells", arguments: [false, true])
  func burst(isWhole: Bool) throws {
    let webhook = webhook()
    var placed: [String: Int] = [:]
    for i in 0..<3 {
      let pod = pod("p\(i)", of: "cart")
      let body = isWhole ? request(pod, nodes: names) : request(pod, names: names)
      let scores = try webhook.prioritize(body, at: .now).scores
      // What is left out has score 0.
      #expect(scores.count == scores.values.count { $0 > 0 } && scores.count <= 3)
      let best = try #require(scores.max { $0.value < $1.value })
      #expect(scores.values.count { $0 == best.value } == 1)
      placed[best.key, default: 0] += 1
    }
    #expect(placed == ["a": 2, "b": 1])
  }

  @Test("Asking again for one pod does not count it twice")
  func again() throws {
    let webhook = webhook()
    let scores = try (0..<5).map { _ in
      try webhook.prioritize(request(pod("p", of: "cart"), names: names), at: .now).scores
    }
    #expect(Set(scores).count == 1)
  }

  @Test("No node is offered, and none is answered")
  func nothing() throws {
    let webhook = webhook()
    let body = ByteBuffer(string: #"{"Pod":{},"Nodes":null,"NodeNames":null}"#)
    #expect(try webhook.prioritize(body, at: .now).scores.isEmpty)
    let filtered = try webhook.filter(body, at: .now).json as? [String: Any]
    #expect(filtered?["NodeNames"] as? [String] == [])
  }

  @Test("Preempt answers with identities, and never with a node without victims")
  func preempt() throws {
    let pod = pod("p", of: "other")
    let meta = ByteBuffer(
      string:
        #"{"Pod":\#(pod),"NodeNameToMetaVictims":{"a":{"Pods":[{"UID":"1"}],"NumPDBViolations":2},"b":{"Pods":null}}}"#)
    let whole = ByteBuffer(
      string:
        #"{"Pod":\#(pod),"NodeNameToVictims":{"a":{"Pods":[{"metadata":{"uid":"1"}}],"numPDBViolations":2},"c":{}}}"#)
    for body in [meta, whole] {
      #expect(
        String(buffer: try webhook().preempt(body).joined)
          == #"{"NodeNameToMetaVictims":{"a":{"Pods":[{"UID":"1"}],"NumPDBViolations":2}}}"#)
    }
  }

  @Test("A binding is made once, counted at once, and forgotten where it is refused")
  func bind() async throws {
    let cluster = RecordingCluster()
    let webhook = webhook(cluster: cluster)
    func bind(_ node: String) async throws -> String {
      String(
        buffer: try await webhook.bind(
          ByteBuffer(string: #"{"PodName":"p","PodNamespace":"shop","PodUID":"uid-p","Node":"\#(node)"}"#), at: .now
        ).joined)
    }
    _ = try webhook.prioritize(request(pod("p", of: "cart"), names: names), at: .now)
    #expect(try await bind("b") == #"{"Error":""}"#)
    #expect(webhook.update { $0.room(for: replica("cart", revision: "abc12"), on: "b").here } == 0)
    #expect(webhook.metrics.registry.text.contains(#"plan_bindings_total{outcome="hit"} 1"#))
    #expect(cluster.bound.withLock { $0 } == ["shop/p b"])
    #expect(try await bind("refused") == #"{"Error":"no such node"}"#)
    #expect(webhook.update { $0.assumedCount } == 0)
  }

  @Test("A pod that runs elsewhere than planned gets an event with the reason")
  func events() throws {
    let cluster = RecordingCluster()
    let webhook = webhook(cluster: cluster)
    _ = try webhook.prioritize(request(pod("p", of: "cart"), names: ["c"]), at: .now)
    webhook.observe(pod: "uid-p", replica("cart", revision: "abc12"), on: "c")
    _ = try webhook.prioritize(request(pod("q", of: "cart"), names: names), at: .now)
    webhook.observe(pod: "uid-q", replica("cart", revision: "abc12"), on: "c")
    // A pod that waits, and is bound without a question.
    webhook.observe(waiting: try WatchedPod(Array(pod("r", of: "cart").utf8)).pod)
    webhook.observe(pod: "uid-r", replica("cart", revision: "abc12"), on: "c")
    let events = cluster.events.withLock { $0 }
    #expect(events.count == 3)
    for (event, reason) in zip(events, ["offered none", "outweighed", "did not ask"]) {
      #expect(event.contains(reason))
    }
  }

  @Test(
    "A pod that is left one node alone counts there before it is scored, for a scheduler never asks",
    arguments: [(false, ["a"]), (true, ["c", "a"])])
  func single(isEnforcing: Bool, names: [String]) throws {
    let webhook = webhook(isEnforcing: isEnforcing)
    _ = try webhook.filter(request(pod("p", of: "cart"), names: names), at: .now)
    #expect(webhook.update { $0.room(for: replica("cart", revision: "abc12"), on: "a").here } == 1)
    webhook.observe(pod: "uid-p", replica("cart", revision: "abc12"), on: "a")
    #expect(webhook.update { $0.room(for: replica("cart", revision: "abc12"), on: "a").here } == 1)
    #expect(webhook.metrics.registry.text.contains(#"plan_bindings_total{outcome="hit"} 1"#))
  }

  @Test("A binding request that lacks a field is malformed")
  func missing() async {
    await #expect(throws: ProtocolError(code: .malformed, message: "Node: found nothing, expected a name")) {
      try await webhook().bind(ByteBuffer(string: #"{"PodName":"p","PodNamespace":"n"}"#), at: .now)
    }
  }
}

/// Takes bindings and events down.
private final class RecordingCluster: BindingCluster {
  let bound = Mutex<[String]>([])
  let events = Mutex<[String]>([])

  func bind(_ request: BindingRequest) async throws(BindingFailure) {
    if request.node == "refused" { throw BindingFailure(message: "no such node", mayHaveTakenEffect: false) }
    bound.withLock { $0.append("\(request.namespace)/\(request.name) \(request.node)") }
  }

  func pod(of request: BindingRequest) -> RequestedPod? { nil }

  func tell(_ pod: RequestedPod, reason: String, message: String) {
    events.withLock { $0.append("\(pod.name) \(reason): \(message)") }
  }
}
