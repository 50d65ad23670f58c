import ControlPlaneTestSupport
import Foundation
import Synchronization
import Testing
import Traffic

@testable import Connections

@Suite struct PrometheusSourceTests {
  /// An answer with one series of Istio's labels, less the metric's name.
  static func istio(_ value: Double, from source: String = "cart", to destination: String = "db") -> String {
    """
    {"status": "success", "data": {"resultType": "vector", "result": [{"metric": {"reporter": "destination",
     "source_workload": "\(source)", "source_workload_namespace": "shop", "destination_workload": "\(destination)",
     "destination_workload_namespace": "shop"}, "value": [1714564800.781, "\(value)"]}]}}
    """
  }
  static let empty = #"{"status": "success", "data": {"resultType": "vector", "result": []}}"#
  static let serviceGraph = """
    {"status": "success", "data": {"resultType": "vector", "result": [{"metric": {"client": "cart", "server": "db",
     "client_k8s_namespace_name": "shop", "server_k8s_namespace_name": "shop"}, "value": [1714564800.781, "40"]}]}}
    """

  /// A server that answers by the query.
  private func server(_ answer: @escaping @Sendable (String) -> String?) throws -> ScriptedServer {
    try ScriptedServer { request, reply in
      let query = URLComponents(string: request.target)?.queryItems?.first { $0.name == "query" }?.value ?? ""
      guard request.path == "/api/v1/query", let body = answer(query) else {
        reply.respond("not here", status: 404)
        return .keep
      }
      reply.respond(body)
      return .keep
    }
  }

  private func edges(_ source: PrometheusSource) async throws -> [String] {
    let graph = try await source.read().graph
    return graph.edges.map { edge in
      "\(graph.endpoints[edge.source]) > \(graph.endpoints[edge.destination]): "
        + "\(edge.bytesPerSecond ?? -1) B, \(edge.requestsPerSecond ?? -1) r"
    }
  }

  @Test("Istio's bytes and requests are asked for by name and add up")
  func istio() async throws {
    let server = try server { query in
      query.contains("istio_request_bytes_sum")
        ? Self.istio(100)
        : query.contains("istio_response_bytes_sum")
          ? Self.istio(50) : query.contains("istio_requests_total") ? Self.istio(7) : Self.empty
    }
    var source = try PrometheusSource(server.url + "/")
    source.window = .seconds(90)
    #expect(try await edges(source) == ["shop/cart > shop/db: 150.0 B, 7.0 r"])
    #expect(server.requests.count == 5)
    #expect(server.requests.allSatisfy { $0.target.contains("%5B90s%5D") })
    #expect(server.connectionCount == 1)
  }

  @Test("The service graph is asked for where there is nothing of Istio, or where it is wanted")
  func serviceGraph() async throws {
    let server = try server { $0.contains("traces_service_graph") ? Self.serviceGraph : Self.empty }
    var source = try PrometheusSource(server.url)
    #expect(try await edges(source) == ["shop/cart > shop/db: -1.0 B, 40.0 r"])
    #expect(server.requests.count == 6)
    source.metrics = .serviceGraph
    #expect(try await edges(source) == ["shop/cart > shop/db: -1.0 B, 40.0 r"])
    #expect(server.requests.count == 7)
  }

  @Test("Queries of the user's own are sent as they are, and tell their metric by name")
  func queries() async throws {
    let query = #"sum by (source_workload) (rate(istio_requests_total{cluster="a b"}[1m]))"#
    let server = try server { $0 == query ? Self.istio(3) : nil }
    var source = try PrometheusSource(server.url)
    source.metrics = .queries([PrometheusQuery(query)])
    #expect(try await edges(source) == ["shop/cart > shop/db: -1.0 B, 3.0 r"])
  }

  @Test(
    "A query's metric is one that it names whole, or that a recording rule's name has",
    arguments: [
      ("rate(request_total[5m])", "request_total"), ("rate(my_request_total[5m])", nil), ("request_totals", nil),
      ("sum(rate(istio_requests_total{a=\"b\"}[5m]))", "istio_requests_total"),
      ("workload:istio_requests_total:rate5m", "istio_requests_total"), ("job:my_request_total:rate5m", nil),
      ("rate(traces_service_graph_request_total[1h])", "traces_service_graph_request_total"), ("", nil),
    ] as [(String, String?)]
  )
  func metric(_ expression: String, _ metric: String?) {
    #expect(PrometheusQuery(expression).metric == metric)
  }

  @Test("The token is read for each reading")
  func token() async throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "token-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: file) }
    let server = try server { _ in Self.istio(1) }
    var source = try PrometheusSource(server.url)
    source.metrics = .queries([PrometheusQuery("x")])
    source.tokenFile = file.path
    for token in ["one", "two"] {
      try "\(token)\n".write(to: file, atomically: true, encoding: .utf8)
      _ = try await source.read()
    }
    #expect(server.requests.map { $0.headers["authorization"] } == ["Bearer one", "Bearer two"])
    source.tokenFile = "/nowhere"
    let error = await #expect(throws: PrometheusError.self) { _ = try await source.read() }
    #expect(error?.code == .badConfiguration)
  }

  @Test(
    "What is no answer is an error that says what was found",
    arguments: [
      (500, "oops", .refused, "HTTP 500: oops"),
      (200, "<html>", .invalidAnswer, "expected"),
      (200, #"{"status": "success", "data": {"resultType": "vec"#, .invalidAnswer, "found"),
      (200, "", .invalidAnswer, "found no content"),
      (200, empty, .noTraffic, "expected Istio's metrics or OpenTelemetry's service graph"),
      (
        422, #"{"status": "error", "errorType": "execution", "error": "query timed out"}"#, .refused,
        "query timed out"
      ),
    ] as [(Int, String, PrometheusError.Code, String)]
  )
  func faults(status: Int, body: String, code: PrometheusError.Code, message: String) async throws {
    let server = try ScriptedServer { _, reply in
      reply.respond(body, status: status)
      return .keep
    }
    let error = await #expect(throws: PrometheusError.self) { _ = try await PrometheusSource(server.url).read() }
    #expect(error?.code == code)
    #expect(error?.message.contains(message) == true)
    #expect(error?.message.contains(server.url) == true)
  }

  @Test("A server that is slow, silent or not there is given up in time")
  func unreachable() async throws {
    let silent = try ScriptedServer { _, reply in
      reply.waitForClose()
      return .close
    }
    for url in [silent.url, "http://127.0.0.1:\(try LoopbackListener.freePort())"] {
      var source = try PrometheusSource(url)
      source.timeout = .milliseconds(100)
      let error = await #expect(throws: PrometheusError.self) { _ = try await source.read() }
      #expect(error?.code == .unreachable)
    }
  }

  @Test(
    "An address that is none is refused", arguments: ["", "prometheus:9090", "ftp://host", "http://", "http://h/?a=b"])
  func address(url: String) {
    #expect(throws: PrometheusError.self) { _ = try PrometheusSource(url) }
  }
}
