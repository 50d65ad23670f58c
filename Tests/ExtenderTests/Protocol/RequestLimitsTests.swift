import Daemon
import Foundation
import Kubernetes
import Model
import NIOCore
import Testing

@testable import Extender

/// What requests may ask for, so that whoever reaches the port cannot end the extender or fill its memory.
@Suite struct RequestLimitsTests {
  private static let long = String(repeating: "x", count: 254)

  private func webhook(isEnforcing: Bool = true, reason: String = "a") -> SchedulerWebhook {
    var state = ExtenderState(nodes: ["a": "z", "b": "z"], isEnforcing: isEnforcing)
    state.set(plan: plan(["cart": [reason: 3]]))
    return SchedulerWebhook(state)
  }

  private func names(_ count: Int, name: String = "n") -> ByteBuffer {
    ByteBuffer(
      string: #"{"Pod":\#(pod("p", of: "cart")),"NodeNames":["# + String(repeating: "\"\(name)\",", count: count - 1)
        + "\"\(name)\"]}")
  }

  private func filtering(_ body: ByteBuffer, _ memory: RequestMemory? = nil) -> ProtocolError.Code? {
    do throws(ProtocolError) {
      _ = try webhook(reason: Self.long).filter(body, at: .now, memory: memory)
      return nil
    } catch { return error.code }
  }

  @Test(
    "Names that Kubernetes does not allow are malformed",
    arguments: [
      #"{"NodeNames":[""]}"#, #"{"NodeNames":["\#(long)"]}"#, #"{"Nodes":{"items":[{"metadata":{"name":""}}]}}"#,
      #"{"Nodes":{"items":[{"metadata":{"name":"\#(long)"}}]}}"#, #"{"Pod":{"metadata":{"name":"\#(long)"}}}"#,
      #"{"Pod":{"metadata":{"namespace":"\#(long)"}}}"#, #"{"Pod":{"metadata":{"uid":"\#(long)"}}}"#,
      #"{"Pod":{"metadata":{"labels":{"pod-template-hash":"\#(long)"}}}}"#,
    ])
  func names(text: String) {
    let body = ByteBuffer(string: text)
    for call in [webhook().filter, webhook().prioritize] {
      #expect { try call(body, .now, nil) } throws: { ($0 as? ProtocolError)?.code == .malformed }
    }
  }

  @Test(
    "So are those of victims and of bindings",
    arguments: [
      #"{"NodeNameToMetaVictims":{"":{"Pods":[{"UID":"1"}]}}}"#,
      #"{"NodeNameToMetaVictims":{"\#(long)":{"Pods":[{"UID":"1"}]}}}"#,
      #"{"NodeNameToMetaVictims":{"a":{"Pods":[{"UID":"\#(long)"}]}}}"#,
      #"{"PodName":"p","PodNamespace":"n","PodUID":"u","Node":"\#(long)"}"#,
      #"{"PodName":"p","PodNamespace":"n","PodUID":"\#(long)","Node":"a"}"#,
    ])
  func otherNames(text: String) async {
    let body = ByteBuffer(string: text)
    if text.contains("Victims") {
      #expect { try webhook().preempt(body) } throws: { ($0 as? ProtocolError)?.code == .malformed }
    } else {
      await #expect { try await webhook().bind(body, at: .now) } throws: {
        ($0 as? ProtocolError)?.code == .malformed
      }
    }
  }

  @Test("An owner or annotation that is longer than any name counts for nothing, for no API server refuses it")
  func owners() throws {
    let long = String(repeating: "y", count: 100_000)
    for (annotation, owner) in [(long, "cart-7f"), ("own", long)] {
      let text =
        #"{"metadata":{"namespace":"shop","uid":"u","annotations":{"tonari.dev/workload":"\#(annotation)"},"#
        + #""labels":{"pod-template-hash":"7f"},"#
        + #""ownerReferences":[{"kind":"ReplicaSet","name":"\#(owner)","controller":true}]}}"#
      let pod = try WatchedPod(Array(text.utf8)).pod
      let workload: ReplicaIdentity.Workload =
        owner == long ? .name(WorkloadName(namespace: "shop", name: "own")) : .reference(deployment("cart"))
      #expect(pod.identity(WorkloadOwners([]))?.workload == workload)
      #expect((pod.annotation ?? "").utf8.count + (pod.owner?.name ?? "").utf8.count < 1000)
      #expect((pod.annotationFault == nil) == (owner == long))
    }
  }

  @Test("More nodes than any cluster has are not looked at")
  func nodes() {
    #expect(filtering(names(RequestLimits.nodes + 1)) == .malformed)
    var text = #"{"Pod":{},"NodeNameToMetaVictims":{"a":{"Pods":["#
    text += String(repeating: "{},", count: RequestLimits.victims) + "{}]}}}"
    #expect { try webhook().preempt(ByteBuffer(string: text)) } throws: { ($0 as? ProtocolError)?.code == .malformed }
  }

  @Test("An answer that is larger than any should be is not made")
  func answer() {
    // Each name takes some hundred bytes of the reason, twice.
    #expect(filtering(names(RequestLimits.nodes, name: String(repeating: "n", count: 60))) == .tooLarge)
    #expect(filtering(names(100)) == nil)
  }

  @Test("What is made of a request, and its answer, come out of the memory for requests, and go back")
  func memory() throws {
    let budget = Budget("request_bytes", total: 1 << 20, perPeer: 1 << 20)
    func memory() -> RequestMemory { RequestMemory(budget, of: Peer("p")) }
    // The answer alone has more; then what is known of the nodes.
    #expect(filtering(names(2000), memory()) == .busy)
    #expect(throws: ProtocolError.self) {
      try webhook(isEnforcing: false).filter(names(20_000), at: .now, memory: memory())
    }
    let victims = #"{"NodeNameToMetaVictims":{"a":{"Pods":["# + String(repeating: "{},", count: 10_000) + "{}]}}}"
    #expect(throws: ProtocolError.self) { try webhook().preempt(ByteBuffer(string: victims), memory: memory()) }
    #expect(budget.held == 0)
    #expect(budget.refused >= 3)

    let held = memory()
    let answer = try webhook().filter(names(200), at: .now, memory: held)
    #expect(held.held >= answer.count)
    #expect(budget.held == held.held)
    held.shrink(to: 10)
    #expect(budget.held == 10)
  }
}
