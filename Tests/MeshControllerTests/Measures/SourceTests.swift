import Connections
import ControlPlaneTestSupport
import Foundation
import Kubernetes
import Model
import Synchronization
import Testing

@testable import Fleet
@testable import MeshController

@Suite("Sources of measurements")
struct SourceTests {
  private final class Page: Sendable {
    private let value: Mutex<(text: String, status: Int)>

    init(_ text: String) { value = Mutex((text, 200)) }

    func set(_ text: String, status: Int = 200) { value.withLock { $0 = (text, status) } }
    var now: (text: String, status: Int) { value.withLock { $0 } }

    /// Serves the page; status 0 stands for no answer.
    func server() throws -> ScriptedServer {
      try ScriptedServer { [self] _, answer in
        let (text, status) = now
        if status == 0 {
          answer.waitForClose()
          return .close
        }
        answer.respond(text, status: status)
        return .keep
      }
    }
  }

  private let policy = WeightedRouteTests.policy(neighbours: 1)

  @Test("An ingress is read from all of its Envoys; one that answers nonsense, or not at all, is left out and named")
  func ingress() async throws {
    let pages = [Page(IngressTests.Envoy(local: 10).text), Page(IngressTests.Envoy(local: 20).text)]
    let servers = try pages.map { try $0.server() }
    let source = IngressSource(MetricsTargets(urls: servers.map(\.url)), timeout: .seconds(3))
    func look(_ time: Double) async -> (DemandMeasurement?, String?) {
      let found = await source.measure([MeasuredPolicy(policy)], at: .seconds(time))
      return (found.byService["shop/cart"], found.fault)
    }
    #expect(await look(100) == (nil, nil))
    pages[0].set(IngressTests.Envoy(local: 310).text)
    pages[1].set(IngressTests.Envoy(local: 420).text)
    // Answers take a moment, which is part of a rate: 700 requests in about 100 seconds, and then 10 in about 2, beside
    // the rate of the one that says nothing sensible.
    var (measured, fault) = await look(200)
    #expect(measured.map { (630...770).contains($0.demandPerMinute / 60 * $0.seconds) } == true, "\(measured as Any)")
    #expect(fault == nil)
    pages[1].set("envoy_cluster_upstream_rq_total{envoy_cluster_name=\"x\"} NaN\n")
    pages[0].set(IngressTests.Envoy(local: 320).text)
    (measured, fault) = await look(202)
    #expect(measured.map { (200...1500).contains($0.demandPerMinute) } == true, "\(measured as Any)")
    #expect(fault?.contains("\(servers[1].url): found 'envoy_cluster") == true)
    for (text, status, expected) in [("", 503, "found status 503"), ("", 0, "time")] {
      pages[1].set(text, status: status)
      (_, fault) = await look(204)
      #expect(fault?.lowercased().contains(expected) == true, "\(fault ?? "")")
    }
  }

  @Test(
    "An Envoy that serves and cannot be read makes the others' half a count, which is none; one that is gone does not")
  func silence() async throws {
    let page = Page(IngressTests.Envoy(local: 10).text)
    let html = Page("<html>Sign in</html>")
    let (server, portal) = (try page.server(), try html.server())
    let gone = "http://127.0.0.1:\(try LoopbackListener.freePort())/"
    func measure(_ source: IngressSource, _ time: Double) async -> Measurements {
      await source.measure([MeasuredPolicy(policy)], at: .seconds(time))
    }
    let half = IngressSource(MetricsTargets(urls: [server.url, portal.url]), timeout: .seconds(3))
    for time in [100.0, 200] {
      let found = await measure(half, time)
      #expect(found.byService.isEmpty)
      #expect(found.missing["shop/cart"]?.contains("\(portal.url): found '<html>Sign in</html>'") == true, "\(found)")
    }
    let whole = IngressSource(MetricsTargets(urls: [server.url, gone]), timeout: .seconds(3))
    _ = await measure(whole, 100)
    page.set(IngressTests.Envoy(local: 110).text)
    let found = await measure(whole, 200)
    #expect(found.byService["shop/cart"]?.demandPerMinute ?? 0 > 0 && found.missing.isEmpty, "\(found)")
    #expect(found.fault?.contains(gone) == true)
  }

  @Test("Selectors' counters say what came, and where it went", arguments: ["shop/cart", "shop/cart:80"])
  func selectors(_ name: String) throws {
    func reading(_ arrivals: Int, _ sent: Int, _ shed: Int) throws -> SelectorReading {
      try SelectorReading(
        Array(
          """
          tonari_selector_overflow_arrivals_total{service="\(name)"} \(arrivals)
          tonari_selector_overflow_sent_total{service="\(name)",neighbour="edge-0"} \(sent)
          tonari_selector_overflow_shed_total{service="\(name)"} \(shed)
          tonari_selector_overflow_arrivals_total{service="shop/other"} 99

          """.utf8))
    }
    var looks = CounterLooks<SelectorReading>()
    looks.note(try reading(100, 10, 0), of: "a", at: .seconds(1))
    looks.note(try reading(1000, 10, 0), of: "b", at: .seconds(1))
    looks.note(try reading(110, 14, 1), of: "a", at: .seconds(2))
    // This one began anew.
    looks.note(try reading(10, 4, 1), of: "b", at: .seconds(2))
    let measured = try #require(looks.measurement(of: policy, at: .seconds(2)))
    #expect(measured.demandPerMinute == 1200)
    #expect(measured.shares == .init(local: 0.5, remote: [0.4], shed: 0.1))
  }

  @Test("Prometheus is asked for the figures, by queries of the policy or of its hosts")
  func prometheus() async throws {
    let hosts = Mutex(["cart.shop.svc.cluster.local", "cart.edge-0.example"])
    let server = try ScriptedServer { request, answer in
      let query = request.target.removingPercentEncoding ?? ""
      func series(_ host: String, _ value: String) -> String {
        #"{"metric": {"destination_service": "\#(host)"}, "value": [1.5, "\#(value)"]}"#
      }
      let result =
        if query.contains("response_code") {
          series("", "NaN")
        } else if query.contains("duration") {
          series("", "0.25")
        } else {
          hosts.withLock { $0 }.map { series($0, "540") }.joined(separator: ", ")
        }
      answer.respond(#"{"status": "success", "data": {"resultType": "vector", "result": [\#(result)]}}"#)
      return .keep
    }
    let source = QuerySource(try PrometheusSource(server.url))
    let found = await source.measure([MeasuredPolicy(policy)], at: .seconds(1))
    var expected = DemandMeasurement(demandPerMinute: 1080, responseSeconds: 0.25, errorShare: nil)
    #expect(found.byService["shop/cart"] == expected)
    #expect(found.fault == nil)
    // Without a series of the neighbour nobody knows what goes there; without one of the service, nothing at all.
    hosts.withLock { $0 = ["cart.shop.svc.cluster.local"] }
    expected.demandPerMinute = 540
    expected.unseen = ["edge-0"]
    #expect(await source.measure([MeasuredPolicy(policy)], at: .seconds(1)).byService["shop/cart"] == expected)
    for (others, reason) in [(["cart.edge-0.example"], "none to service cart"), ([], "has no result")] {
      hosts.withLock { $0 = others }
      let found = await source.measure([MeasuredPolicy(policy)], at: .seconds(1))
      #expect(found.byService.isEmpty && found.missing["shop/cart"]?.contains(reason) == true, "\(found)")
    }
    let asked = server.requests.compactMap { $0.target.removingPercentEncoding }
    #expect(
      asked.contains {
        $0.contains(#"destination_service=~"cart\\.shop\\.svc\\.cluster\\.local|cart\\.edge-0\\.example""#)
      })
    var own = policy
    own.spec.measure.demandQuery = "mine"
    #expect(QuerySource.queries(of: own).demand == "mine")
  }

  @Test("What a policy names stays a text in queries, whatever is in it")
  func escaping() {
    var policy = policy
    // No policy that is read has such hosts; the second line of defence holds all the same.
    policy.spec.neighbours[0].host = #"a"}) or vector(1e9) # .*\"#
    let queries = QuerySource.queries(of: policy)
    #expect(
      queries.demand
        == #"60 * sum by (destination_service) (rate(istio_requests_total{reporter="source",destination_service=~"cart\\.shop\\.svc\\.cluster\\.local|"#
        + #"a\"\\}\\) or vector\\(1e9\\) # \\.\\*\\\\"}[30s]))"#)
    #expect(PromQL.quoted("a\n\u{1}\u{301}") == "\"a\\x0a\\x01\u{301}\"")
    policy.spec.neighbours[0].host = "cart.edge-b.example:8080"
    #expect(QuerySource.queries(of: policy).demand.contains(#"|cart\\.edge-b\\.example""#))
  }

  @Test(
    "What Prometheus refuses or answers wrongly is no measurement",
    arguments: [
      (#"{"status": "error", "error": "parse error"}"#, 400, "parse error"), ("<html>", 200, "expected an answer"),
      ("no", 503, "HTTP 503"),
      (#"{"status": "success", "data": {"resultType": "matrix", "result": []}}"#, 200, "expected"),
    ])
  func prometheusFaults(body: String, status: Int, message: String) async throws {
    let server = try ScriptedServer { _, answer in
      answer.respond(body, status: status)
      return .keep
    }
    let found = await QuerySource(try PrometheusSource(server.url)).measure([MeasuredPolicy(policy)], at: .seconds(1))
    #expect(found.byService.isEmpty)
    #expect(found.fault?.contains(message) == true, "\(found.fault ?? "")")
  }

  @Test("Without an answer there is no figure, and with several series their sum")
  func values() async throws {
    let page = Page(#"{"status": "success", "data": {"resultType": "vector", "result": []}}"#)
    let server = try page.server()
    let source = try PrometheusSource(server.url)
    let transport = HTTPTransport()
    #expect(try await source.value(of: "x", on: transport) == nil)
    page.set(
      #"{"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1, "2"]}, {"metric": {}, "value": [1, "3.5"]}]}}"#
    )
    #expect(try await source.value(of: "x", on: transport) == 5.5)
    page.set(#"{"status": "success", "data": {"resultType": "scalar", "result": [1, "7"]}}"#)
    #expect(try await source.value(of: "x", on: transport) == 7)
  }

  @Test("Pods are asked where they answer; those that do not run are not, and those that are to go need not answer")
  func pods() async throws {
    func pod(_ name: String, _ phase: String, _ ip: String, _ extra: String = "") -> String {
      #"{"metadata": {"name": "\#(name)"\#(extra)}, "status": {"phase": "\#(phase)", "podIP": "\#(ip)"}}"#
    }
    let notReady =
      #"{"metadata": {"name": "g"}, "status": {"phase": "Running", "podIP": "10.0.0.5", "conditions": "#
      + #"[{"type": "Ready", "status": "False"}]}}"#
    let page = Page(
      """
      {"metadata": {"resourceVersion": "1"}, "items": [\(pod("a", "Running", "10.0.0.2")), \(pod("b", "Pending", "")),
       \(pod("c", "Running", "fd00::1")), \(pod("d", "Running", "10.0.0.4", #", "deletionTimestamp": "x""#)),
       \(notReady), \(pod("e", "Running", "evil.example/?")), \(pod("f", "Running", "10.0.0.9@evil.example"))]}
      """)
    let server = try page.server()
    let targets = MetricsTargets(
      urls: ["http://e/stats"], pods: .init(namespace: "istio", labels: "app=gw", port: 15090, path: "/stats"),
      client: server.client(attempts: 1))
    let expected = [
      MetricsTargets.Address(url: "http://e/stats"), .init(url: "http://10.0.0.2:15090/stats"),
      .init(url: "http://10.0.0.4:15090/stats", serves: false),
      .init(url: "http://10.0.0.5:15090/stats", serves: false),
      .init(url: "http://[fd00::1]:15090/stats"),
    ]
    #expect(await targets.addresses(at: .seconds(1)).addresses == expected)
    #expect(server.requests[0].target.contains("labelSelector=app%3Dgw"))
    page.set("oops", status: 500)
    #expect(await targets.addresses(at: .seconds(2)) == (expected, nil))
    let late = await targets.addresses(at: .seconds(20))
    #expect(late.addresses == expected)
    #expect(late.fault?.contains("HTTP 500") == true)
  }
}
