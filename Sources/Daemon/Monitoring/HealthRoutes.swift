import CoreMetrics
import HTTPTypes
package import Hummingbird
import NIOCore

/// What every daemon answers: `/livez` and `/healthz` where it runs at all, `/readyz` where there is something to answer
/// from, and `/metrics`.
package struct HealthRoutes: Sendable {
  private let registry: MetricsRegistry
  private let sources: [any HealthSource]
  private let stalenessLabel: String
  private var pages: [(path: String, type: String, text: @Sendable () -> String)] = []

  /// Makes routes.
  ///
  /// - Parameters:
  ///   - registry: what `/metrics` shows.
  ///   - sources: what `/readyz` asks.
  ///   - stalenessLabel: the metric that says for how many seconds nothing has been heard of each source.
  package init(_ registry: MetricsRegistry, _ sources: [any HealthSource], stalenessLabel: String) {
    self.registry = registry
    self.sources = sources
    self.stalenessLabel = stalenessLabel
    registry.describe(stalenessLabel, "For how long nothing has been heard of what is watched.")
  }

  /// Answers something else, too.
  ///
  /// - Parameters:
  ///   - path: where, without a `/` in front.
  ///   - type: what it is, as HTTP's `Content-Type`.
  ///   - text: what to answer.
  package mutating func show(_ path: String, type: String, _ text: @escaping @Sendable () -> String) {
    pages.append((path, type, text))
  }

  /// Adds the routes to a router, for a daemon that is asked for its health where it serves, too.
  package func add(to router: Router<some RequestContext>) {
    for path in ["livez", "healthz", "readyz", "metrics"] + pages.map(\.path) {
      router.get(RouterPath(path)) { _, _ in
        let answer = quickAnswer("/\(path)") ?? slowAnswer("/\(path)") ?? HealthAnswer("not found\n", status: 404)
        return Response(
          status: HTTPResponse.Status(code: answer.status), headers: [.contentType: answer.type],
          body: ResponseBody(byteBuffer: ByteBuffer(string: answer.text)))
      }
    }
  }

  /// What is answered without asking anybody.
  func quickAnswer(_ path: String) -> HealthAnswer? {
    path == "/livez" || path == "/healthz" ? HealthAnswer("ok\n") : nil
  }

  /// Whether there is an answer.
  func contains(_ path: String) -> Bool {
    ["/livez", "/healthz", "/readyz", "/metrics"].contains(path) || pages.contains { "/\($0.path)" == path }
  }

  /// What may take a while, as others hold locks or there is much to tell.
  func slowAnswer(_ path: String) -> HealthAnswer? {
    if path == "/readyz" { return readiness() }
    if let page = pages.first(where: { "/\($0.path)" == path }) { return HealthAnswer(page.text(), type: page.type) }
    guard path == "/metrics" else { return nil }
    for source in sources {
      let report = source.report()
      guard let staleness = report.staleness else { continue }
      Meter(label: stalenessLabel, dimensions: [("source", report.name)], factory: registry)
        .set(staleness / .seconds(1))
    }
    return HealthAnswer(registry.text, type: "text/plain; version=0.0.4; charset=utf-8")
  }

  private func readiness() -> HealthAnswer {
    let reports = sources.map { $0.report() }
    let lines = reports.map { report in
      var line = "[\(report.isReady ? "+" : "-")] \(report.name) \(report.isReady ? "ok" : "not there yet")"
      if let staleness = report.staleness { line += ", last heard of \(staleness.components.seconds) s ago" }
      if let fault = report.fault { line += report.isReady ? ", stale: \(fault)" : ": \(fault)" }
      return line + "\n"
    }
    let isReady = reports.allSatisfy(\.isReady)
    return HealthAnswer(lines.joined() + (isReady ? "ready\n" : "not ready\n"), status: isReady ? 200 : 503)
  }
}
