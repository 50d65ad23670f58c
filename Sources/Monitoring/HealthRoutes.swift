import CoreMetrics
public import Hummingbird
import NIOCore

/// What every daemon answers: `/livez` and `/healthz` where it runs at all, `/readyz` where there is something to answer
/// from, and `/metrics`.
public struct HealthRoutes: Sendable {
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
  public init(_ registry: MetricsRegistry, _ sources: [any HealthSource], stalenessLabel: String) {
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
  public mutating func show(_ path: String, type: String, _ text: @escaping @Sendable () -> String) {
    pages.append((path, type, text))
  }

  /// Adds the routes to a router.
  public func add(to router: Router<BasicRequestContext>) {
    router.get("livez") { _, _ in Self.text("ok\n") }
    router.get("healthz") { _, _ in Self.text("ok\n") }
    router.get("readyz") { _, _ in readiness() }
    for page in pages {
      router.get(RouterPath(page.path)) { _, _ in Self.text(page.text(), type: page.type) }
    }
    router.get("metrics") { _, _ in
      for source in sources {
        let report = source.report()
        guard let staleness = report.staleness else { continue }
        Meter(label: stalenessLabel, dimensions: [("source", report.name)], factory: registry)
          .set(staleness / .seconds(1))
      }
      return Self.text(registry.text, type: "text/plain; version=0.0.4; charset=utf-8")
    }
  }

  private func readiness() -> Response {
    let reports = sources.map { $0.report() }
    let lines = reports.map { report in
      var line = "[\(report.isReady ? "+" : "-")] \(report.name) \(report.isReady ? "ok" : "not there yet")"
      if let staleness = report.staleness { line += ", last heard of \(Int(staleness / .seconds(1))) s ago" }
      if let fault = report.fault { line += report.isReady ? ", stale: \(fault)" : ": \(fault)" }
      return line + "\n"
    }
    let isReady = reports.allSatisfy(\.isReady)
    return Self.text(
      lines.joined() + (isReady ? "ready\n" : "not ready\n"), status: isReady ? .ok : .serviceUnavailable)
  }

  private static func text(
    _ text: String, status: HTTPResponse.Status = .ok, type: String = "text/plain; charset=utf-8"
  ) -> Response {
    Response(status: status, headers: [.contentType: type], body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
  }
}
