import CoreMetrics
import Daemon
import Model

/// What the extender counts and measures.
struct ExtenderMetrics: Sendable {
  /// The calls of the protocol.
  enum Verb: String, CaseIterable {
    case filter, prioritize, preempt, bind
  }

  let registry: MetricsRegistry
  private let durations: [Verb: Timer]
  /// Pods that were bound to a node where the plan had room.
  let hits: Counter
  /// Pods that were bound elsewhere though the plan had room, because its nodes were not offered.
  let missesAbsent: Counter
  /// Pods that were bound elsewhere though one of the plan's nodes was offered.
  let missesOutweighed: Counter
  /// Pods that were bound elsewhere though the plan had room, without a question.
  let missesUnasked: Counter
  /// Pods of planned workloads that were bound when the plan had no room for them.
  let beyondPlan: Counter
  let expired: Counter
  let planReloads: Counter
  let planFailures: Counter
  let nodes: Meter
  let replicas: Meter
  let plannedReplicas: Meter

  init(_ registry: MetricsRegistry) {
    self.registry = registry
    // unique: each case of an enumeration is there once.
    durations = Dictionary(
      uniqueKeysWithValues: Verb.allCases.map { verb in
        (
          verb,
          Timer(label: "tonari_extender_duration_seconds", dimensions: [("verb", verb.rawValue)], factory: registry)
        )
      })
    func counter(_ label: String, _ dimensions: [(String, String)] = []) -> Counter {
      Counter(label: "tonari_extender_\(label)", dimensions: dimensions, factory: registry)
    }
    hits = counter("plan_bindings_total", [("outcome", "hit")])
    missesAbsent = counter("plan_bindings_total", [("outcome", "not_offered")])
    missesOutweighed = counter("plan_bindings_total", [("outcome", "outweighed")])
    missesUnasked = counter("plan_bindings_total", [("outcome", "not_asked")])
    beyondPlan = counter("plan_bindings_total", [("outcome", "beyond_plan")])
    expired = counter("expired_bindings_total")
    planReloads = counter("plan_loads_total", [("outcome", "success")])
    planFailures = counter("plan_loads_total", [("outcome", "failure")])
    nodes = Meter(label: "tonari_extender_nodes", factory: registry)
    replicas = Meter(label: "tonari_extender_replicas", factory: registry)
    plannedReplicas = Meter(label: "tonari_extender_planned_replicas", factory: registry)
    for (label, help) in [
      ("requests_total", "Requests by call and HTTP status."),
      ("duration_seconds", "Time to answer, from the last byte of the request to the first of the answer."),
      ("plan_bindings_total", "Pods of planned workloads that were bound, by whether the plan was followed."),
      ("expired_bindings_total", "Replicas that were counted ahead of the watch and never came true."),
      ("plan_loads_total", "Plans that were read, or could not be."),
      ("nodes", "Nodes that are known."),
      ("replicas", "Replicas that are counted."),
      ("planned_replicas", "Replicas that the plan places."),
    ] { registry.describe("tonari_extender_\(label)", help) }
  }

  func answered(_ verb: Verb, in duration: Duration, status: Int) {
    durations[verb]?.recordNanoseconds(duration.wholeNanoseconds)
    Counter(
      label: "tonari_extender_requests_total", dimensions: [("status", "\(status)"), ("verb", verb.rawValue)],
      factory: registry
    ).increment()
  }

  /// Shows what connections and requests may have, and what was refused.
  func watch(_ ledger: ConnectionLedger, intake: RequestIntake) {
    registry.watch(ledger, of: "extender", listener: "scheduler")
    registry.watch(intake.memory, of: "extender")
  }
}
