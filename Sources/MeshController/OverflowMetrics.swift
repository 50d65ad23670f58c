import CoreMetrics
import Daemon
import Fleet
import Model
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
      ("round_seconds", "How long a round took."),
    ] { registry.describe("tonari_overflow_\(label)", help) }
  }

  /// A decision was made for a policy.
  func decided(_ decision: PolicyCourse.Decision, _ policy: String) {
    count("decisions_total", [("policy", policy), ("phase", decision.phase.rawValue)])
  }

  private static let demand = "tonari_overflow_demand_per_minute"

  /// Whether a figure that an autoscaler goes by is the demand before overflow, as far as its name says.
  static func isDemand(_ metric: String) -> Bool {
    metric.contains("overflow_demand_per_minute") || metric.contains("overflow-demand-per-minute")
  }

  /// What policies come to. Of a demand that is not known nothing is said: an autoscaler then changes nothing.
  static func figures(_ decisions: [(policy: OverflowPolicy, decision: PolicyCourse.Decision)]) -> [CollectedMetric] {
    var demand = CollectedMetric(
      Self.demand, .gauge, "Requests per minute before they are split: what to scale a service by.")
    var capacity = CollectedMetric(
      "tonari_overflow_capacity_per_minute", .gauge, "Requests per minute that the service is trusted to bear here.")
    var share = CollectedMetric(
      "tonari_overflow_share", .gauge,
      "The share of the requests that goes to a cluster; none for what nobody has room for.")
    for (policy, decision) in decisions.sorted(by: { $0.policy.key < $1.policy.key }) {
      let labels = [
        ("policy", policy.key.description), ("namespace", policy.key.namespace), ("service", policy.spec.service),
      ]
      capacity.add(decision.capacityPerMinute, labels)
      guard let perMinute = decision.demandPerMinute else { continue }
      demand.add(perMinute, labels)
      share.add(decision.split.local, labels + [("to", "local")])
      share.add(decision.split.shed, labels + [("to", "none")])
      for (neighbour, part) in zip(decision.neighbours, decision.split.remote) {
        share.add(part, labels + [("to", neighbour.name)])
      }
    }
    return [demand, capacity, share]
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
