import Daemon
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import Testing

@Suite struct HealthRoutesTests {
  private struct Source: HealthSource {
    var value: HealthReport

    func report() -> HealthReport { value }
  }

  private func answer(_ uri: String, _ reports: [HealthReport]) async throws -> (status: Int, text: String) {
    let routes = HealthRoutes(MetricsRegistry(), reports.map(Source.init), stalenessLabel: "staleness_seconds")
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let router = Router()
    routes.add(to: router)
    return try await Application(router: router, logger: logger).test(.router) { client in
      try await client.execute(uri: uri, method: .get) { ($0.status.code, String(buffer: $0.body)) }
    }
  }

  @Test("A daemon is ready when all sources are; a stale one is named, and does not make it unready")
  func readiness() async throws {
    let stale = HealthReport(name: "pods", isReady: true, staleness: .seconds(90), fault: "no route to host")
    let missing = HealthReport(name: "traffic", isReady: false, fault: "HTTP 500")
    let ready = try await answer("/readyz", [stale])
    #expect(ready.status == 200)
    #expect(ready.text == "[+] pods ok, last heard of 90 s ago, stale: no route to host\nready\n")
    let unready = try await answer("/readyz", [stale, missing])
    #expect(unready.status == 503)
    #expect(unready.text.hasSuffix("[-] traffic not there yet: HTTP 500\nnot ready\n"))
    #expect(try await answer("/livez", [missing]).status == 200)
    #expect(try await answer("/healthz", [missing]).status == 200)
  }

  @Test("Metrics say how stale each source is")
  func staleness() async throws {
    let text = try await answer("/metrics", [HealthReport(name: "pods", isReady: true, staleness: .seconds(90))]).text
    #expect(text.contains(#"staleness_seconds{source="pods"} 90.0"#))
  }
}
