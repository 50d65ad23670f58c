import ControlPlaneTestSupport
import Daemon
import Foundation
import Model
import Selection
import ServiceLifecycle
import Testing

@testable import SelectorServer

@Suite("Statistics")
struct StatisticsTests {
  private static func clusters(active: Int, total: Int, errors: Int) -> String {
    """
    {"cluster_statuses": [{"name": "cart", "host_statuses": [
      {"address": {"socket_address": {"address": "10.0.0.1", "port_value": 80}}, "stats": [
        {"name": "cx_total", "value": "9"}, {"type": "GAUGE", "name": "rq_active", "value": "\(active)"},
        {"name": "rq_total", "value": "\(total)"}, {"name": "rq_error", "value": "\(errors)"}]},
      {"address": {"pipe": {"path": "/x"}}, "stats": []}]}, {"name": "empty"}]}
    """
  }

  @Test("of several Envoys are added up, and counters become rates")
  func envoys() throws {
    func hosts(_ active: Int, _ total: Int, _ errors: Int) throws -> EnvoyHosts {
      try EnvoyHosts(json: Array(Self.clusters(active: active, total: total, errors: errors).utf8), source: "e")
    }
    var rates = HostRates()
    let first = rates.loads(["a": try hosts(2, 100, 10), "b": try hosts(3, 1000, 0)], at: .start)
    #expect(first == ["10.0.0.1:80": LoadReport(inFlight: 5)])
    let second = rates.loads(["a": try hosts(1, 120, 14), "b": try hosts(0, 1010, 0)], at: .seconds(2))
    #expect(second == ["10.0.0.1:80": LoadReport(inFlight: 1, requestsPerSecond: 15, errorsPerSecond: 2)])
    let restarted = rates.loads(["a": try hosts(1, 20, 2)], at: .seconds(4))
    #expect(restarted == ["10.0.0.1:80": LoadReport(inFlight: 1, requestsPerSecond: 10, errorsPerSecond: 1)])
  }

  @Test("that are none are refused", arguments: ["", "[]", "{\"cluster_statuses\": 3}", "<html>"])
  func noClusters(_ text: String) {
    let error = #expect(throws: StatisticsError.self) { try EnvoyHosts(json: Array(text.utf8), source: "e") }
    #expect(error?.message.hasPrefix("e: expected Envoy's clusters as JSON") == true)
  }

  @Test("of Prometheus become figures of a load")
  func prometheus() throws {
    let queries = LoadQueries([.cpu: "x"])
    let answer = """
      {"status": "success", "data": {"resultType": "vector", "result": [
        {"metric": {"instance": "a:1"}, "value": [1.5, "0.75"]}, {"metric": {}, "value": [1, "9"]},
        {"metric": {"instance": "b:1"}, "value": [1, "NaN"]}]}}
      """
    let values = try queries.values(json: Array(answer.utf8), source: "p")
    #expect(values == ["a:1": 0.75])
    var loads: [String: LoadReport] = [:]
    for figure in LoadQueries.Figure.allCases { LoadQueries.add(values, figure, to: &loads) }
    let expected = LoadReport(
      inFlight: 1, queued: 1, cpuUtilization: 0.75, latencySeconds: 0.75, requestsPerSecond: 0.75, errorsPerSecond: 0.75
    )
    #expect(loads == ["a:1": expected])
  }

  @Test(
    "that Prometheus refuses say so",
    arguments: [
      ("{\"status\": \"error\", \"error\": \"parse error\"}", "p: expected a vector, found parse error"),
      (
        "{\"status\": \"success\", \"data\": {\"resultType\": \"scalar\", \"result\": [1, \"2\"]}}",
        "p: expected a vector, found scalar"
      ),
      ("{}", "p: expected an answer of Prometheus to a query"),
    ])
  func refusals(_ text: String, _ message: String) {
    let error = #expect(throws: StatisticsError.self) {
      try LoadQueries([:]).values(json: Array(text.utf8), source: "p")
    }
    #expect(error?.message == message)
  }

  @Test("are read over HTTP at an interval, and a fault is told")
  func overHTTP() async throws {
    let envoy = try ScriptedServer { request, answer in
      answer.respond(Self.clusters(active: 4, total: request.index * 10, errors: 0))
      return .keep
    }
    let prometheus = try ScriptedServer { _, answer in
      answer.respond("{\"status\": \"error\", \"error\": \"no\"}", status: 400)
      return .keep
    }
    let dispatcher = Dispatcher()
    dispatcher.set([ServiceReplica(address: "10.0.0.1:80")], of: "s", from: .file, at: .now)
    let feed = try StatisticsFeed(
      envoys: [envoy.url + "/"], prometheus: prometheus.url, queries: LoadQueries([.cpu: "up{a=\"b\"}"]),
      interval: .milliseconds(20), dispatcher, logger: .silent)
    let running = Task { try await feed.run() }
    defer { running.cancel() }
    try await eventually("a load with a rate is heard") {
      let load = dispatcher.service("s")?.status(at: .now).replicas.first?.view.lastReport
      return load?.inFlight == 4 && load?.requestsPerSecond ?? 0 > 0
    }
    #expect(envoy.requests.first?.target == "/clusters?format=json")
    #expect(prometheus.requests.first?.target == "/api/v1/query?query=up%7Ba%3D%22b%22%7D")
    try await eventually("the fault is told") { feed.report().fault?.contains("expected 200") == true }
    #expect(feed.report().isReady)
  }

  @Test("come from HTTP addresses alone", arguments: ["", "localhost:9901", "ftp://x", "http://x?y"])
  func addresses(_ url: String) {
    let error = #expect(throws: StatisticsError.self) {
      try StatisticsFeed(
        envoys: [url], prometheus: nil, queries: LoadQueries([:]), interval: .seconds(1), Dispatcher(), logger: .silent)
    }
    #expect(error?.code == .badAddress)
  }
}
