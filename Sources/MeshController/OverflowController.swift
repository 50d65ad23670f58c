import CoreMetrics
package import Daemon
package import Fleet
import Formats
import Foundation
package import Kubernetes
package import Logging
package import Model
import Overflow
import Selection
import ServiceLifecycle
import Synchronization

/// Follows the `OverflowPolicy` objects of a cluster: measures, decides, and writes the weights of routes, as one of
/// several processes of which one leads.
package final class OverflowController: ServiceLifecycle.Service, HealthSource {
  /// Who leads, and how often things are done.
  package struct Configuration: Sendable {
    /// Who leads.
    package var election: LeaderElector.Configuration
    /// This cluster's name, by which its neighbours know it; empty where it has none.
    package var cluster = ""
    /// The namespace whose policies are followed; nil for all.
    package var namespace: String?
    /// What policies may ask for.
    package var rules = PolicyRules()
    /// The time between two rounds.
    package var interval = Duration.seconds(1)
    /// For how long a headroom is worth something that is said.
    package var headroomLifetime = Duration.seconds(10)
    /// What time it is.
    package var clock: @Sendable () -> Moment = { .now }

    /// Makes a configuration.
    package init(election: LeaderElector.Configuration) {
      self.election = election
    }
  }

  /// What is kept of a policy from round to round.
  struct Desk {
    var policy: OverflowPolicy
    var uid: String
    var generation: Int64?
    /// Nil until it is known where requests go.
    var course: PolicyCourse?
    /// Whether something is being written for it.
    var isBusy = false
    /// The policy is deleted, and its requests are to go home.
    var isLeaving = false
    /// Rounds that an ended policy has left to send its requests home.
    var farewells = 30
    /// What was written last of its status, and when.
    var status: OverflowPolicy.Status?
    var statusAt: Moment?
    /// When its route was looked at last, and whether everything stayed here then.
    var routeAt: Moment?
    var writtenSplit: Split?
    /// What the route was like then.
    var look: RouteWriter.Look?
    /// What was decided last, and whether the service's autoscaler follows what is asked of it.
    var decision: PolicyCourse.Decision?
    var scaling = ScalingWatch()
    var fault: (reason: String, message: String)?
  }

  private struct State {
    var desks: [ObjectKey: Desk] = [:]
    var history: FlowHistory
    var fault: String?
  }

  /// How often a route is looked at whose requests all stay, in seconds. While any overflow, it is every round.
  private static let calm = 5.0

  private let configuration: Configuration
  private let client: APIClient
  private let sources: [OverflowPolicy.Measure.Source: any MeasurementSource]
  private let exchange: (any HeadroomExchange)?
  private let policies: Reflector<WatchedPolicy>
  private let elector: LeaderElector
  private let writer: RouteWriter
  private let pods: ReadyPods
  private let autoscalers: Autoscalers
  private let teller: PolicyTeller
  private let metrics: OverflowMetrics
  private let logger: Logger
  private let state: Mutex<State>

  /// Makes a controller; it starts with ``run()``.
  ///
  /// - Parameters:
  ///   - configuration: who leads, and how often things are done.
  ///   - client: the way to the API server.
  ///   - sources: who counts, by what policies call them.
  ///   - exchange: where clusters tell each other what room they have; nil for nowhere.
  ///   - registry: what is counted goes there.
  ///   - logger: is told what is decided and done, and what goes wrong.
  package init(
    _ configuration: Configuration, client: APIClient,
    sources: [OverflowPolicy.Measure.Source: any MeasurementSource], exchange: (any HeadroomExchange)?,
    registry: MetricsRegistry, logger: Logger
  ) {
    self.configuration = configuration
    self.client = client
    self.sources = sources
    self.exchange = exchange
    self.logger = logger
    policies = Reflector(
      .overflowPolicies, ObjectSelection(namespace: configuration.namespace), client: client, logger: logger
    ) { WatchedPolicy($0) }
    elector = LeaderElector(configuration.election, client: client, logger: logger)
    let fenced = client.fenced(by: elector)
    writer = RouteWriter(fenced)
    pods = ReadyPods(client, namespace: configuration.namespace, logger: logger)
    autoscalers = Autoscalers(client, namespace: configuration.namespace, logger: logger)
    teller = PolicyTeller(client: fenced)
    metrics = OverflowMetrics(registry)
    metrics.leading.set(0)
    state = Mutex(State(history: FlowHistory(cluster: configuration.cluster)))
    registry.collect { [weak self] in self?.figures ?? [] }
  }

  /// What was decided last, of all policies, by the process that leads: another one's would be old.
  private var figures: [CollectedMetric] {
    guard elector.isLeading else { return [] }
    return OverflowMetrics.figures(
      state.withLock { state in
        state.desks.values.filter { !$0.isLeaving }.compactMap { desk in desk.decision.map { (desk.policy, $0) } }
      })
  }

  /// What `/readyz` is to ask.
  package var health: [any HealthSource] { [ReflectorHealth(policies), self] }

  /// How measuring goes. A controller without measurements is ready all the same: weights stay as they are.
  package func report() -> HealthReport {
    HealthReport(name: "measurements", isReady: true, fault: state.withLock { $0.fault })
  }

  /// Whether this process writes.
  package var isLeading: Bool { elector.isLeading }

  /// Where requests went over the last minutes, as far as this process decided it.
  package var history: FlowHistory { state.withLock { $0.history } }

  /// Watches, and works while it leads, until the service is to end. The lease is handed over then; weights stay.
  package func run() async throws {
    try await cancelWhenGracefulShutdown {
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await self.policies.run() }
        group.addTask { await self.pods.run() }
        group.addTask { await self.autoscalers.run() }
        group.addTask { try await self.elector.run { try await self.lead() } }
        for try await _ in group {}
      }
    }
  }

  private func lead() async throws {
    metrics.leading.set(1)
    // What was said of the room here is not taken back: the next leader goes on with it, or it fades.
    defer { metrics.leading.set(0) }
    // What another leader did in the meantime is not known.
    state.withLock { $0.desks = [:] }
    try await policies.waitUntilSynced()
    try await withThrowingDiscardingTaskGroup { group in
      var next = ContinuousClock.now
      while true {
        try Task.checkCancellation()
        let start = ContinuousClock.now
        for work in await round() { group.addTask { await work() } }
        metrics.round(start.duration(to: .now) / .seconds(1))
        // A round that took long is not made up for.
        next = max(next + configuration.interval, .now)
        try await Task.sleep(until: next, clock: .continuous)
      }
    }
  }

  /// Tells neighbours what room there is, as long as this process speaks for the cluster.
  private func publish(_ message: HeadroomMessage?, of policy: OverflowPolicy) {
    guard elector.isLeading else { return }
    exchange?.publish(message, of: policy.serviceKey)
  }

  /// Nothing is written by a process that does not lead any more, nor in a cancelled task.
  private func checkLeading() throws {
    try Task.checkCancellation()
    guard elector.isLeading else { throw CancellationError() }
  }
}

// MARK: - A round

extension OverflowController {
  /// Measures and decides for all policies; answers what is to be done then, which may take longer than a round.
  private func round() async -> [@Sendable () async -> Void] {
    let watched = Array(policies.snapshot.map(\.value))
    let now = configuration.clock()
    var work = settle(watched)
    let checked = watched.sorted { $0.key < $1.key }.map { ($0, check($0)) }
    let present = checked.compactMap { try? $0.1.get() }
    let looks = state.withLock { $0.desks.mapValues(\.look?.rules) }
    let followed = FollowedDestinations(present)
    let (measurements, missing, faults) = await measure(
      present.map { MeasuredPolicy($0, rules: looks[$0.key] ?? nil, beside: followed) }, at: now)
    state.withLock { $0.fault = faults.values.min() }
    var claims: [String: ObjectKey] = [:]
    for (watched, policy) in checked {
      switch policy {
      case .failure(let refusal): work += refuse(watched, refusal.reason, refusal.message)
      case .success(let policy):
        if let other = claims.updateValue(watched.key, forKey: policy.service) {
          claims[policy.service] = other
          work += refuse(watched, "Duplicate", "policy \(other.name) is for service \(policy.spec.service) already")
          continue
        }
        let ready = pods[policy.serviceKey]
        var inputs = PolicyCourse.Inputs(
          measurement: measurements[policy.service], readyPods: ready?.count, headrooms: headrooms(policy))
        inputs.missing = missing[policy.service]
        inputs.unreachable = Self.unreachable(policy, looks[policy.key] ?? nil)
        let autoscaler = autoscalers.scaling(ready?.names ?? [], in: policy.key.namespace)
        work += decide(watched, policy, inputs, autoscaler, faults[Self.source(of: policy)], at: now)
      }
    }
    return work
  }

  /// Why a policy is not followed.
  private struct Refusal: Error {
    var reason: String
    var message: String
  }

  /// The policy as it may be followed, or why it may not.
  private func check(_ watched: WatchedPolicy) -> Result<OverflowPolicy, Refusal> {
    switch watched.policy {
    case .failure(let error): return .failure(Refusal(reason: "Invalid", message: error.message))
    case .success(let policy):
      do throws(PolicyRules.Fault) {
        try configuration.rules.check(policy)
        return .success(policy)
      } catch {
        return .failure(Refusal(reason: "NotAllowed", message: error.description))
      }
    }
  }

  private static func source(of policy: OverflowPolicy) -> OverflowPolicy.Measure.Source {
    policy.spec.measure.source ?? (policy.spec.mode == .weights ? .envoy : .selector)
  }

  /// The neighbours of a policy that its route, where others make it, has nowhere.
  private static func unreachable(_ policy: OverflowPolicy, _ rules: [[DestinationName?]]?) -> Set<String> {
    guard writes(policy), policy.spec.route?.own == nil, let rules else { return [] }
    let measured = MeasuredPolicy(policy, rules: rules)
    return Set(
      zip(policy.spec.neighbours, measured.neighbours).filter { !measured.mayReach($0.1) }.map(\.0.name))
  }

  private func headrooms(_ policy: OverflowPolicy) -> [String: Headroom] {
    guard let exchange else { return [:] }
    var headrooms: [String: Headroom] = [:]
    for neighbour in policy.spec.neighbours {
      headrooms[neighbour.name] = exchange.headroom(of: policy.serviceKey, in: neighbour.name)
    }
    return headrooms
  }

  /// Asks all sources at once: what was measured, and why a service or a whole source was not.
  private func measure(
    _ policies: [MeasuredPolicy], at now: Moment
  ) async -> ([String: DemandMeasurement], [String: String], [OverflowPolicy.Measure.Source: String]) {
    let wanted = Dictionary(grouping: policies) { Self.source(of: $0.policy) }
    return await withTaskGroup(of: (OverflowPolicy.Measure.Source, Measurements).self) { group in
      for (name, policies) in wanted {
        guard let source = sources[name] else { continue }
        group.addTask { (name, await source.measure(policies, at: now)) }
      }
      var faults: [OverflowPolicy.Measure.Source: String] = [:]
      for name in wanted.keys where sources[name] == nil {
        faults[name] = "measure.source \(name.rawValue): this controller was not told where to ask"
      }
      return await group.reduce(into: ([:], [:], faults)) { all, answer in
        all.0.merge(answer.1.byService) { $1 }
        all.1.merge(answer.1.missing) { $1 }
        all.2[answer.0] = answer.1.fault
      }
    }
  }

  /// Notices policies that are gone. Their requests go home, unless another policy has taken the service over.
  private func settle(_ watched: [WatchedPolicy]) -> [@Sendable () async -> Void] {
    let present = Dictionary(watched.map { ($0.key, $0.uid) }) { $1 }
    let leaving = state.withLock { state in
      state.history.keep(only: Set(present.keys.map(\.description)))
      var leaving: [Desk] = []
      for (key, desk) in state.desks where present[key] != desk.uid {
        if present[key] != nil || desk.farewells == 0 || !Self.writes(desk.policy) {
          state.desks[key] = nil
          continue
        }
        state.desks[key]?.isLeaving = true
        guard !desk.isBusy else { continue }
        state.desks[key]?.isBusy = true
        state.desks[key]?.farewells -= 1
        leaving.append(desk)
      }
      return leaving
    }
    return leaving.map { desk in { await self.sendHome(desk) } }
  }

  /// Whether weights are written for a policy at all.
  private static func writes(_ policy: OverflowPolicy) -> Bool { policy.spec.mode == .weights && !policy.spec.isDryRun }

  /// A policy that cannot be followed: its status says so, its route stays as it is, and of its demand nothing is said.
  private func refuse(
    _ watched: WatchedPolicy, _ reason: String, _ message: String
  ) -> [@Sendable () async -> Void] {
    state.withLock { $0.desks[watched.key]?.decision = nil }
    let circumstances = StatusDraft.Circumstances(
      generation: watched.generation, fault: (reason, message), time: Self.time)
    let status = StatusDraft.status(nil, nil, circumstances, before: watched.status)
    guard StatusDraft.isWorthWriting(status, over: watched.status, after: 0) else { return [] }
    metrics.failed(reason, watched.key.description)
    return [
      {
        self.logger.warning(
          "A policy cannot be followed", metadata: ["policy": "\(watched.key)", "error": "\(message)"])
        await self.attempt("status", watched.key) {
          try self.checkLeading()
          try await self.teller.write(status, of: watched.key, uid: watched.uid)
          self.state.withLock { $0.desks[watched.key]?.status = status }
        }
      }
    ]
  }

  /// Goes on with a policy's course.
  private func decide(
    _ watched: WatchedPolicy, _ policy: OverflowPolicy, _ inputs: PolicyCourse.Inputs, _ autoscaler: Autoscaler?,
    _ measureFault: String?, at now: Moment
  ) -> [@Sendable () async -> Void] {
    let (decision, scaling, isFree) = state.withLock {
      state -> (PolicyCourse.Decision?, StatusDraft.Scaling?, Bool) in
      var desk =
        state.desks[watched.key] ?? Desk(policy: policy, uid: watched.uid, status: watched.status)
      if desk.policy.spec.route != policy.spec.route { (desk.course, desk.writtenSplit, desk.look) = (nil, nil, nil) }
      desk.policy = policy
      desk.generation = watched.generation
      let decision = desk.course?.step(policy, inputs, at: now)
      desk.decision = decision
      var scaling: StatusDraft.Scaling?
      if let autoscaler, let decision {
        let verdict = desk.scaling.step(
          autoscaler, policy.spec.capacity, overflows: decision.phase == .steering && decision.split.local < 1,
          isDemandMetric: OverflowMetrics.isDemand, at: now)
        scaling = StatusDraft.Scaling(autoscaler: autoscaler, verdict: verdict)
      }
      if let decision { state.history.add(decision, policy, inputs.measurement, time: Date.now.timeIntervalSince1970) }
      let isFree = !desk.isBusy
      desk.isBusy = true
      state.desks[watched.key] = desk
      return (decision, scaling, isFree)
    }
    if let decision { note(decision, policy, inputs) }
    guard isFree else { return [] }
    guard let decision else { return [{ await self.begin(watched.key, policy) }] }
    return [{ await self.act(on: decision, watched.key, inputs, scaling, measureFault, at: now) }]
  }

  /// Counts and tells what was decided, and tells neighbours what room there is.
  private func note(_ decision: PolicyCourse.Decision, _ policy: OverflowPolicy, _ inputs: PolicyCourse.Inputs) {
    metrics.decided(decision, policy.key.description)
    logger.debug("Decided", metadata: Self.metadata(decision, policy, inputs))
    guard let demand = decision.demandPerMinute, policy.spec.mode == .weights else { return }
    let capacity = decision.capacityPerMinute
    publish(
      HeadroomMessage(
        perMinute: capacity - demand, capacityPerMinute: capacity, demandPerMinute: demand,
        time: Date.now.timeIntervalSince1970, lifetime: configuration.headroomLifetime), of: policy)
  }

  private static func metadata(
    _ decision: PolicyCourse.Decision, _ policy: OverflowPolicy, _ inputs: PolicyCourse.Inputs
  ) -> Logger.Metadata {
    var metadata: Logger.Metadata = [
      "policy": "\(policy.key)", "phase": "\(decision.phase.rawValue)", "local": "\(decision.split.local)",
      "shed": "\(decision.split.shed)", "capacityPerMinute": "\(decision.capacityPerMinute)",
    ]
    metadata["remote"] = .dictionary(
      Dictionary(zip(decision.neighbours.map(\.name), decision.split.remote.map { "\($0)" as Logger.MetadataValue })) {
        $1
      })
    metadata["headroomPerMinute"] = .dictionary(inputs.headrooms.mapValues { "\($0.perMinute)" })
    if let demand = decision.demandPerMinute { metadata["demandPerMinute"] = "\(demand)" }
    if let measured = inputs.measurement {
      metadata["measuredPerMinute"] = "\(measured.demandPerMinute)"
      if let response = measured.responseSeconds { metadata["responseSeconds"] = "\(response)" }
      if let errors = measured.errorShare { metadata["errorShare"] = "\(errors)" }
    }
    if let pods = inputs.readyPods { metadata["readyPods"] = "\(pods)" }
    return metadata
  }

  static var time: String { Date.now.formatted(.iso8601) }
}

// MARK: - What is done

extension OverflowController {
  /// Looks where a policy's requests go at present, to go on from there.
  private func begin(_ key: ObjectKey, _ policy: OverflowPolicy) async {
    var look: RouteWriter.Look?
    var isKnown = policy.spec.mode == .perRequest
    if !isKnown, let route = policy.spec.route {
      await attempt("route", key) {
        do {
          look = try await writer.look(policy, route)
        } catch is RouteWriter.Fault {
          // Said when it is to be written.
        }
        isKnown = true
      }
    }
    state.withLock { state in
      if isKnown {
        state.desks[key]?.course = PolicyCourse(policy, split: look?.split)
        state.desks[key]?.look = look
      }
      state.desks[key]?.isBusy = false
    }
  }

  /// Does what was decided: weights first, then what people see of it.
  private func act(
    on decision: PolicyCourse.Decision, _ key: ObjectKey, _ inputs: PolicyCourse.Inputs,
    _ scaling: StatusDraft.Scaling?, _ measureFault: String?, at now: Moment
  ) async {
    defer { state.withLock { $0.desks[key]?.isBusy = false } }
    guard let desk = state.withLock({ $0.desks[key] }) else { return }
    let policy = desk.policy
    var fault = desk.fault
    var look = desk.look
    if decision.isToBeWritten, policy.spec.mode == .weights, let route = policy.spec.route,
      isDue(desk, decision, at: now)
    {
      fault = ("Unreachable", "the route could not be written")
      await attempt("route", key) {
        try checkLeading()
        do {
          let written = try await writer.write(decision.split, policy, route)
          let outcome = written.outcome
          look = written.look
          fault = nil
          metrics.wrote("\(outcome)", key.description)
          state.withLock { state in
            state.desks[key]?.routeAt = now
            state.desks[key]?.writtenSplit = decision.split
            state.desks[key]?.look = look
          }
          if outcome == .written {
            logger.info("Weights are written", metadata: Self.metadata(decision, policy, inputs))
          }
        } catch let found as RouteWriter.Fault {
          fault = (found.reason, "\(found)")
          look = nil
          metrics.failed(found.reason, key.description)
          if desk.fault?.reason != found.reason {
            logger.warning("A route cannot be split", metadata: ["policy": "\(key)", "error": "\(found)"])
          }
        }
      }
      state.withLock { $0.desks[key]?.fault = fault }
    }
    var circumstances = StatusDraft.Circumstances(
      generation: desk.generation, fault: fault, measureFault: measureFault, readyPods: inputs.readyPods,
      time: Self.time)
    circumstances.written = look?.split
    circumstances.unreachable = inputs.unreachable.sorted()
    circumstances.scaling = scaling
    await tell(desk, decision, inputs, circumstances, at: now)
  }

  /// Whether the route is to be looked at: where the split is another, while anything overflows, and now and then.
  private func isDue(_ desk: Desk, _ decision: PolicyCourse.Decision, at now: Moment) -> Bool {
    guard desk.fault == nil, desk.writtenSplit == decision.split, decision.split.out == 0, let last = desk.routeAt
    else {
      return true
    }
    return abs(now.seconds(since: last)) >= Self.calm
  }

  /// Writes events and the status where there is something to say.
  private func tell(
    _ desk: Desk, _ decision: PolicyCourse.Decision, _ inputs: PolicyCourse.Inputs,
    _ circumstances: StatusDraft.Circumstances, at now: Moment
  ) async {
    let key = desk.policy.key
    let fault = circumstances.fault
    let status = StatusDraft.status(desk.policy, decision, circumstances, before: desk.status)
    let elapsed = desk.statusAt.map { abs(now.seconds(since: $0)) }
    guard StatusDraft.isWorthWriting(status, over: desk.status, after: elapsed) else { return }
    let type = OverflowPolicy.Condition.overflowing
    let (was, isNow) = (desk.status?.condition(type)?.holds ?? false, status.condition(type))
    await attempt("status", key) {
      try checkLeading()
      if let isNow, isNow.holds != was, fault == nil {
        logger.notice(
          isNow.holds ? "Overflow begins" : "Overflow ends", metadata: Self.metadata(decision, desk.policy, inputs))
        try await teller.tell(
          isNow.holds ? "OverflowBegan" : "OverflowEnded", isNow.message, of: key, uid: desk.uid, at: .now)
        try checkLeading()
      }
      try await teller.write(status, of: key, uid: desk.uid)
      state.withLock { state in
        state.desks[key]?.status = status
        state.desks[key]?.statusAt = now
      }
    }
  }

  /// The requests of a policy that is deleted go home.
  private func sendHome(_ desk: Desk) async {
    let key = desk.policy.key
    var isDone = false
    await attempt("route", key) {
      guard let route = desk.policy.spec.route else { return }
      try checkLeading()
      do {
        _ = try await writer.write(.home(neighbours: desk.policy.spec.neighbours.count), desk.policy, route)
        logger.notice("A policy is deleted; its requests stay in this cluster", metadata: ["policy": "\(key)"])
      } catch is RouteWriter.Fault {
        // There is nothing left to be written.
      }
      isDone = true
    }
    publish(nil, of: desk.policy)
    state.withLock { state in
      // It may have been made anew meanwhile.
      guard state.desks[key]?.isLeaving == true else { return }
      state.desks[key]?.isBusy = false
      if isDone { state.desks[key] = nil }
    }
  }

  /// Does something that may fail. The next round tries again.
  private func attempt(_ what: String, _ key: ObjectKey, _ work: () async throws -> Void) async {
    do {
      try await work()
    } catch {
      guard !Task.isCancelled, !(error is CancellationError) else { return }
      metrics.failed(what, key.description)
      logger.warning(
        "What was decided could not be done and will be tried again",
        metadata: ["policy": "\(key)", "what": "\(what)", "error": "\(error)"])
    }
  }
}

extension OverflowPolicy {
  /// Its service.
  fileprivate var serviceKey: ObjectKey { ObjectKey(namespace: key.namespace, name: spec.service) }
}
