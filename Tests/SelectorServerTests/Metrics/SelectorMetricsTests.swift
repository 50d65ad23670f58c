import Daemon
import Model
import Overflow
import Selection
import SelectorProtocol
import SelectorServer
import SwiftProtobuf
import Testing

@Suite("A selector's metrics")
struct SelectorMetricsTests {
  @Test("show picks by tier and policy, what became of them, and the replicas")
  func text() throws {
    let dispatcher = Dispatcher()
    dispatcher.set(
      [ServiceReplica(address: "a:1", node: "n1"), ServiceReplica(address: "b:1", node: "n2", state: .starting)],
      of: "s", from: .file, at: .start)
    let service = try #require(dispatcher.service("s"))
    let answer = PickAnswer()
    for node in ["n1", "n1", "n2"] {
      _ = service.pick(PickQuery(from: Place(node: node)), owner: 0, at: .start, into: answer)
    }
    service.complete(answer.id, .failure, at: .seconds(1))
    dispatcher.report(LoadReport(inFlight: 5), of: "a:1", at: .seconds(1))
    let registry = MetricsRegistry()
    SelectorMetrics.register(in: registry, dispatcher, framed: { nil }, now: { .seconds(3) })
    let lines = Set(registry.text.split(separator: "\n").map(String.init))
    for line in [
      #"tonari_selector_picks_total{service="s",policy="tonari",tier="node"} 2"#,
      #"tonari_selector_picks_total{service="s",policy="tonari",tier="zone"} 1"#,
      #"tonari_selector_completions_total{service="s",outcome="failure"} 1"#,
      #"tonari_selector_open_picks{service="s"} 2"#, #"tonari_selector_replicas{service="s",state="ready"} 1"#,
      #"tonari_selector_replicas{service="s",state="starting"} 1"#,
      #"tonari_selector_in_flight{service="s",by="this selector"} 2"#,
      #"tonari_selector_report_age_seconds{service="s"} 2.0"#,
    ] {
      #expect(lines.contains(line), "\(line)")
    }
  }

  @Test("show how often somebody spoke under the name of a peer that is not theirs")
  func refusedDigests() {
    let dispatcher = Dispatcher()
    let registry = MetricsRegistry()
    SelectorMetrics.register(in: registry, dispatcher, framed: { nil }, now: { .start })
    let links = ["a", "b"].map {
      PeerLink(
        Caller(.certificate(["dns:\($0)"]), owner: dispatcher.newOwner(), policy: AccessPolicy()))
    }
    for link in links { dispatcher.hear(.with { $0.selector = "one" }, from: link, at: .start) }
    #expect(registry.text.split(separator: "\n").contains("tonari_selector_digests_refused_total 1"))
  }

  @Test("show what comes before it is split, what is sent on, turned away and left, where a policy says so")
  func overflow() throws {
    let dispatcher = Dispatcher()
    dispatcher.set(
      [ServiceReplica(address: "a:1"), ServiceReplica(address: "b:1", cluster: "b")], of: "s", from: .file, at: .start)
    dispatcher.set([ServiceReplica(address: "c:1")], of: "t", from: .file, at: .start)
    let neighbour = ServiceOverflow.Neighbour(name: "b", limitPerMinute: 60, capacity: .perMinute(600))
    dispatcher.set(
      ["s": ServiceOverflow(cluster: "a", capacity: .perMinute(60), neighbours: [neighbour])], at: .start)
    let service = try #require(dispatcher.service("s"))
    let answer = PickAnswer()
    for hops in [0, 0, 0, 0, 1] { _ = service.pick(PickQuery(hops: hops), owner: 0, at: .start, into: answer) }
    let registry = MetricsRegistry()
    SelectorMetrics.register(in: registry, dispatcher, framed: { nil }, now: { .start })
    let lines = Set(registry.text.split(separator: "\n").map(String.init))
    for line in [
      #"tonari_selector_overflow_arrivals_total{service="s"} 5"#,
      #"tonari_selector_overflow_received_total{service="s"} 1"#,
      #"tonari_selector_overflow_sent_total{service="s",neighbour="b"} 2"#,
      #"tonari_selector_overflow_shed_total{service="s"} 2"#,
      #"tonari_selector_overflow_capacity_per_minute{service="s"} 60.0"#,
      #"tonari_selector_overflow_admitted_per_minute{service="s"} 60.0"#,
      #"tonari_selector_overflow_room_per_minute{service="s",neighbour="b"} 60.0"#,
      #"tonari_selector_overflow_neighbour_down{service="s",neighbour="b"} 0"#,
    ] {
      #expect(lines.contains(line), "\(line)")
    }
    #expect(!registry.text.contains(#"overflow_arrivals_total{service="t"}"#))
  }
}
