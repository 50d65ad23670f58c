import Dispatching
import Monitoring
import Selection
import SelectorServer
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
}
