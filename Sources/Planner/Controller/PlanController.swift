import CoreMetrics
package import Daemon
package import Kubernetes
package import Logging
package import Placement
import ServiceLifecycle
import Synchronization
import Traffic

/// Keeps a `PlacementPlan` object of a cluster up to date, as one of several processes of which one leads.
///
/// All of them watch, so that another can take over at once; only the one that leads searches and writes. The plan that
/// stands is never replaced by a worse one.
package final class PlanController: ServiceLifecycle.Service, HealthSource {
  /// What is planned, and how.
  package struct Configuration: Sendable {
    /// The name of the plan.
    package var name: String
    /// Who leads.
    package var election: LeaderElector.Configuration
    /// What is left out of the plan.
    package var options = ClusterProblem.Options()
    /// What names in the traffic mean that the cluster does not know.
    package var map = EndpointMap()
    /// Sets the weights of a problem whose edges are complete.
    package var weigh: @Sendable (inout Problem) -> Void = { _ in }
    /// How long and how hard to search.
    package var solver = SolverOptions()
    /// When to plan anew.
    package var pacing = PlanPacing.Settings()
    /// The share of the objective that another plan must win to replace one that can be followed.
    package var minimumGain = 0.01
    /// How often to see whether it is time for anything.
    package var tick = Duration.milliseconds(500)

    /// Makes a configuration.
    package init(name: String, election: LeaderElector.Configuration) {
      self.name = name
      self.election = election
    }
  }

  private struct State {
    var pacing: PlanPacing
    var fault: String?
  }

  private let configuration: Configuration
  private let client: APIClient
  /// For what only the leader may do.
  private let writes: APIClient
  private let mirror: ClusterMirror
  private let feed: TrafficFeed?
  private let plans: Reflector<PlacementPlan.Spec>
  private let elector: LeaderElector
  private let metrics: PlannerMetrics
  private let logger: Logger
  private let state: Mutex<State>

  /// Makes a controller; it starts with ``run()``.
  ///
  /// - Parameters:
  ///   - configuration: what is planned, and how.
  ///   - client: the way to the API server.
  ///   - feed: who talks to whom; nil for nobody, so that plans can only balance the nodes.
  ///   - registry: what is counted goes there.
  ///   - logger: is told what is done and what goes wrong.
  package init(
    _ configuration: Configuration, client: APIClient, feed: TrafficFeed?, registry: MetricsRegistry, logger: Logger
  ) {
    self.configuration = configuration
    self.client = client
    self.feed = feed
    self.logger = logger
    mirror = ClusterMirror(client, logger: logger)
    plans = Reflector(
      .placementPlans, ObjectSelection(fields: "metadata.name=\(configuration.name)"), client: client, logger: logger
    ) { try $0.decode(Written.self).spec }
    elector = LeaderElector(configuration.election, client: client, logger: logger)
    writes = client.fenced(by: elector)
    metrics = PlannerMetrics(registry)
    metrics.leading.set(0)
    state = Mutex(State(pacing: PlanPacing(configuration.pacing)))
  }

  /// What `/readyz` is to ask.
  package var health: [any HealthSource] {
    mirror.health + [ReflectorHealth(plans, isOptional: true)] + (feed.map { [$0] } ?? []) + [self]
  }

  /// How planning goes. A controller that cannot plan is ready all the same: the plan that stands can be followed.
  package func report() -> HealthReport {
    HealthReport(name: "planning", isReady: true, fault: state.withLock { $0.fault })
  }

  /// Whether this process makes the plans.
  package var isLeading: Bool { elector.isLeading }

  /// Watches, and plans while it leads, until the service is to end. The lease is handed over then.
  package func run() async throws {
    try await cancelWhenGracefulShutdown {
      try await withThrowingTaskGroup(of: Void.self) { group in
        let notice: @Sendable () -> Void = { self.notice() }
        group.addTask { await self.mirror.run(onChange: notice) }
        if let feed = self.feed { group.addTask { await feed.run(onChange: notice) } }
        group.addTask { await self.followPlan() }
        group.addTask { try await self.elector.run { try await self.lead() } }
        for try await _ in group {}
      }
    }
  }

  private func notice() {
    state.withLock { $0.pacing.noticed(at: .now) }
  }

  /// Notices when others write the plan, or delete it.
  private func followPlan() async {
    let changes = plans.changes()
    async let running: Void = plans.run()
    for await batch in changes where batch.contains(where: { $0.before != $0.after }) { notice() }
    await running
  }
}

/// The part of a plan that others may have changed.
private struct Written: Decodable {
  var spec: PlacementPlan.Spec
}

// MARK: - While this process leads

extension PlanController {
  private func lead() async throws {
    // What another leader did in the meantime is not known.
    state.withLock { $0.pacing = PlanPacing(configuration.pacing) }
    notice()
    metrics.leading.set(1)
    defer { metrics.leading.set(0) }
    while true {
      try await Task.sleep(for: configuration.tick)
      guard state.withLock({ $0.pacing.step(at: .now) }) == .look else { continue }
      // A plan for a cluster of yesterday could replace a better one: what has just led elsewhere knows more.
      guard mirror.isCurrent else {
        state.withLock { $0.pacing.deferred(at: .now) }
        continue
      }
      let reading = feed.map { $0.reading } ?? TrafficReading()
      guard let reading else { continue }
      try await look(reading)
    }
  }

  /// Looks at the cluster, and makes another plan where that is called for.
  private func look(_ reading: TrafficReading) async throws {
    let start = ContinuousClock.now
    do {
      let input = try await input(reading)
      let published = try await client.plan(named: configuration.name)
      let current = published?.plan.map { (plan: $0, standing: $0.standing(on: input)) }
      let basis = PlanBasis(input)
      let isSound = published.map { _ in current?.standing.canBeFollowed(on: input.problem) ?? false }
      guard let reason = state.withLock({ $0.pacing.looked(basis, isSound: isSound, at: start) }) else { return }
      logger.info("A plan is sought", metadata: ["reason": "\(reason)"])
      try await plan(PlanSearch(configuration: configuration, input: input, current: current), over: published)
      state.withLock { state in
        state.pacing.planned(basis, at: start)
        state.fault = nil
      }
    } catch {
      try Task.checkCancellation()
      metrics.sought("failed")
      state.withLock { state in
        state.pacing.planned(nil, at: start)
        state.fault = "\(error)"
      }
      logger.error("There is no other plan; what is there stays", metadata: ["error": "\(error)"])
    }
  }

  private func input(_ reading: TrafficReading) async throws -> PlanInput {
    let (mirror, configuration) = (mirror, configuration)
    return try await onWorkerThread {
      let cluster = ClusterProblem(mirror.snapshot, options: configuration.options)
      var input = try PlanInput(cluster, reading.traffic, map: configuration.map)
      input.warnings += reading.warnings
      configuration.weigh(&input.problem)
      return input
    }
  }

  /// Searches, and writes what is better than the plan that stands; that one's figures are brought up to date.
  private func plan(_ search: PlanSearch, over published: PublishedPlan?) async throws {
    let isCancelled = Cancellation()
    let outcome: PlanSearch.Outcome
    do {
      outcome = try await withTaskCancellationHandler {
        try await onWorkerThread { try search.run { isCancelled.isSet } }
      } onCancel: {
        isCancelled.set()
      }
    } catch let error as PlacementError {
      if let plan = try await onWorkerThread({ search.currentPlan() }), let status = plan.status {
        try checkLeading()
        try await writes.applyStatus(plan.published(), over: published)
        metrics.stands(status)
      }
      throw error
    }
    try checkLeading()
    switch outcome.choice {
    case .keep:
      try await writes.applyStatus(outcome.plan.published(), over: published)
    case .replace:
      try await writes.apply(outcome.plan.published(), over: published)
    }
    tell(outcome, search.input.warnings)
  }

  /// Nothing is written by a process that does not lead any more, nor in a cancelled task.
  private func checkLeading() throws {
    try Task.checkCancellation()
    guard elector.isLeading else { throw CancellationError() }
  }

  private func tell(_ outcome: PlanSearch.Outcome, _ warnings: [String]) {
    guard let status = outcome.plan.status else { return }
    metrics.stands(status)
    var metadata: Logger.Metadata = [
      "plan": "\(outcome.plan.metadata.name)", "localizedShare": "\(status.traffic.localizedShare.node)",
      "gap": "\(status.gap ?? 1)", "moves": "\(status.moves)",
    ]
    for warning in warnings { logger.debug("A remark on the input", metadata: ["remark": "\(warning)"]) }
    switch outcome.choice {
    case .keep:
      metrics.sought("kept")
      logger.info("The plan stays: no other is better by enough", metadata: metadata)
    case .replace(let gain):
      metrics.sought("written")
      metadata["gain"] = gain.map { "\($0)" }
      logger.notice("The plan is written", metadata: metadata)
    }
  }
}

/// Tells a thread that its work is not wanted any more.
private final class Cancellation: Sendable {
  private let flag = Atomic(false)

  var isSet: Bool { flag.load(ordering: .relaxed) }

  func set() { flag.store(true, ordering: .relaxed) }
}
