import CoreMetrics
import Kubernetes
import Monitoring
import Overflow

/// What the controller counts and measures.
struct OverflowMetrics: Sendable {
  private let registry: MetricsRegistry
  let leading: Meter

  init(_ registry: MetricsRegistry) {
    self.registry = registry
    leading = Meter(label: "tonari_overflow_leading", factory: registry)
    for (label, help) in [
      ("leading", "Whether this process writes."),
      ("decisions_total", "Decisions, by policy and by where its course was."),
      ("writes_total", "What became of routes after decisions, by policy."),
      ("failures_total", "What could not be done, by policy and reason."),
      ("demand_per_minute", "Requests per minute before they are split."),
      ("capacity_per_minute", "Requests per minute that the service is trusted to bear here."),
      ("share", "The share of the requests that goes to a cluster; none for what nobody has room for."),
      ("round_seconds", "How long a round took."),
    ] { registry.describe("tonari_overflow_\(label)", help) }
  }

  /// A decision was made for a policy.
  func decided(_ decision: PolicyCourse.Decision, _ policy: String) {
    count("decisions_total", [("policy", policy), ("phase", decision.phase.rawValue)])
    set("capacity_per_minute", decision.capacityPerMinute, [("policy", policy)])
    guard let demand = decision.demandPerMinute else { return }
    set("demand_per_minute", demand, [("policy", policy)])
    set("share", decision.split.local, [("policy", policy), ("to", "local")])
    set("share", decision.split.shed, [("policy", policy), ("to", "none")])
    for (neighbour, share) in zip(decision.neighbours, decision.split.remote) {
      set("share", share, [("policy", policy), ("to", neighbour.name)])
    }
  }

  /// A route was looked at: `unchanged`, `written` or `tried`.
  func wrote(_ outcome: String, _ policy: String) {
    count("writes_total", [("policy", policy), ("outcome", outcome)])
  }

  /// Something could not be done.
  func failed(_ reason: String, _ policy: String) {
    count("failures_total", [("policy", policy), ("reason", reason)])
  }

  func round(_ seconds: Double) { set("round_seconds", seconds, []) }

  private func count(_ label: String, _ dimensions: [(String, String)]) {
    Counter(label: "tonari_overflow_\(label)", dimensions: dimensions, factory: registry).increment()
  }

  private func set(_ label: String, _ value: Double, _ dimensions: [(String, String)]) {
    Meter(label: "tonari_overflow_\(label)", dimensions: dimensions, factory: registry).set(value)
  }
}
