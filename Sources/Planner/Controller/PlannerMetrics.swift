import CoreMetrics
import Daemon

/// What the controller counts and measures.
struct PlannerMetrics: Sendable {
  private let registry: MetricsRegistry
  let leading: Meter

  init(_ registry: MetricsRegistry) {
    self.registry = registry
    leading = Meter(label: "tonari_planner_leading", factory: registry)
    for (label, help) in [
      ("leading", "Whether this process makes the plans."),
      ("plans_total", "Plans that were sought, by what became of them."),
      ("search_seconds", "How long the last search took."),
      ("localized_share", "The share of the traffic that the plan keeps within a tier."),
      ("gap", "How far from the best the plan can be at most."),
      ("moves", "How many replicas run elsewhere than the plan has them."),
      ("violations", "How many constraints the plan breaks."),
    ] { registry.describe("tonari_planner_\(label)", help) }
  }

  /// A search came to an end: `written`, `kept` or `failed`.
  func sought(_ outcome: String) {
    Counter(label: "tonari_planner_plans_total", dimensions: [("outcome", outcome)], factory: registry).increment()
  }

  /// The plan that stands has these figures.
  func stands(_ status: PlacementPlan.Status) {
    func set(_ label: String, _ value: Double, _ dimensions: [(String, String)] = []) {
      Meter(label: "tonari_planner_\(label)", dimensions: dimensions, factory: registry).set(value)
    }
    set("localized_share", status.traffic.localizedShare.node, [("tier", "node")])
    set("localized_share", status.traffic.localizedShare.zone, [("tier", "zone")])
    set("moves", Double(status.moves))
    set("violations", Double(status.violations?.count ?? 0))
    if let gap = status.gap { set("gap", gap) }
    if let solver = status.solver { set("search_seconds", solver.seconds) }
  }
}
