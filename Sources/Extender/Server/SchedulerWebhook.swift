import CoreMetrics
package import Daemon
package import Kubernetes
package import Logging
package import NIOCore
import Synchronization

/// Answers the calls of schedulers from what it knows: ``ExtenderState`` behind a lock, and the bytes of the protocol
/// around it.
package final class SchedulerWebhook: Sendable {
  /// What was decided for a pod, until it is bound.
  struct Decision: Sendable {
    var pod: RequestedPod
    var identity: ReplicaIdentity
    var fit: PlanFit
  }

  struct Shared {
    var state: ExtenderState
    var owners = WorkloadOwners([])
    var decisions = DecisionStore()
  }

  private let shared: Mutex<Shared>
  private let cluster: (any BindingCluster)?
  let metrics: ExtenderMetrics
  let logger: Logger

  /// Makes a webhook.
  ///
  /// - Parameters:
  ///   - state: what is known at the start.
  ///   - cluster: where pods are bound and events are told; nil to count bindings alone.
  ///   - metrics: what is counted goes there.
  package init(
    _ state: ExtenderState, cluster: (any BindingCluster)? = nil, metrics: MetricsRegistry = MetricsRegistry(),
    logger: Logger = Logger(label: "tonari.extender")
  ) {
    shared = Mutex(Shared(state: state))
    self.cluster = cluster
    self.metrics = ExtenderMetrics(metrics)
    self.logger = logger
  }

  /// Changes what is known.
  package func update<Answer: Sendable>(_ change: (inout ExtenderState) -> Answer) -> Answer {
    shared.withLock { shared in
      let answer = change(&shared.state)
      metrics.nodes.set(Int64(shared.state.nodeCount))
      metrics.replicas.set(Int64(shared.state.replicaCount))
      metrics.plannedReplicas.set(Int64(shared.state.summary.replicas))
      return answer
    }
  }

  /// Takes the owners of ReplicaSets.
  package func set(owners: WorkloadOwners) {
    shared.withLock { $0.owners = owners }
  }

  /// The workload of a pod.
  package func identity(of pod: RequestedPod) -> ReplicaIdentity? {
    shared.withLock { pod.identity($0.owners) }
  }

  /// Counts replicas no more that were counted ahead of the watch and never came true.
  package func expire(at now: ContinuousClock.Instant) {
    shared.withLock { $0.decisions.expire(at: now) }
    let count = update { $0.expire(at: now) }
    guard count > 0 else { return }
    metrics.expired.increment(by: count)
    logger.info("Bindings that never came true count no more", metadata: ["count": "\(count)"])
  }
}

// MARK: - The calls

extension SchedulerWebhook {
  /// Answers `/filter`.
  ///
  /// Throws ``ProtocolError`` where the request is malformed, the answer would be too large, or there is no memory for it,
  /// as the other calls do.
  ///
  /// - Parameters:
  ///   - memory: what holds what is made of the request, and the answer; nil where nobody counts it.
  package func filter(
    _ body: ByteBuffer, at now: ContinuousClock.Instant, memory: RequestMemory? = nil
  ) throws(ProtocolError) -> Answer {
    try Self.reading(body) { bytes throws(ProtocolError) in
      let request = try SchedulingRequest(bytes, memory)
      let (allowed, reason) = shared.withLock { shared -> ([Bool]?, String) in
        guard shared.state.isEnforcing || request.candidates.count == 1 else { return (nil, "") }
        // A pod that is to be placed is bound nowhere, whatever was expected of it.
        shared.state.forget(assumed: request.pod.uid)
        let identity = request.pod.identity(shared.owners)
        let numbers = shared.state.nodes.numbers(of: request.candidates, in: bytes)
        let allowed = shared.state.allowed(identity, among: numbers)
        // A scheduler binds to a node that is left alone without asking for its score.
        let left = allowed?.count { $0 } ?? numbers.count
        if left == 1 {
          let only = allowed?.firstIndex(of: true) ?? 0
          _ = shared.scores(of: request.pod, on: [numbers[only]], at: now)
        }
        return (allowed, left < numbers.count ? shared.state.refusal(of: identity) : "")
      }
      return try Answer(request, in: body, allowed: allowed, reason: reason, memory: memory)
    }
  }

  /// Answers `/prioritize`. Where the plan decides, the replica counts at once on the node that scores highest.
  package func prioritize(
    _ body: ByteBuffer, at now: ContinuousClock.Instant, memory: RequestMemory? = nil
  ) throws(ProtocolError) -> Answer {
    try Self.reading(body) { bytes throws(ProtocolError) in
      let request = try SchedulingRequest(bytes, memory)
      let scores = shared.withLock { shared in
        shared.state.forget(assumed: request.pod.uid)
        let numbers = shared.state.nodes.numbers(of: request.candidates, in: bytes)
        return shared.scores(of: request.pod, on: numbers, at: now)
      }
      return try Answer(request, in: body, scores: scores, memory: memory)
    }
  }

  /// Answers `/preempt`.
  package func preempt(_ body: ByteBuffer, memory: RequestMemory? = nil) throws(ProtocolError) -> Answer {
    try Self.reading(body) { bytes throws(ProtocolError) in
      let request = try PreemptionRequest(bytes, memory)
      let kept = shared.withLock { shared in
        shared.state.forget(assumed: request.pod.uid)
        let offers = request.victims.map { victims in
          PreemptionOffer(
            node: Int32(truncatingIfNeeded: shared.state.nodes.number(of: victims.node) ?? -1),
            victims: victims.uids.count,
            violations: victims.violations)
        }
        return shared.state.preemptible(request.pod.identity(shared.owners), among: offers)
      }
      return try Answer(kept.map { request.victims[$0] }, memory: memory)
    }
  }

  /// Answers `/bind`: binds the pod and counts it at once. What the API server says against it is in the answer's
  /// `Error`. A pod that is bound to that node already is bound.
  package func bind(_ body: ByteBuffer, at now: ContinuousClock.Instant) async throws(ProtocolError) -> Answer {
    let request = try Self.reading(body) { bytes throws(ProtocolError) in try BindingRequest(bytes) }
    let identity =
      shared.withLock { $0.decisions[request.uid]?.identity }
      ?? cluster?.pod(of: request).flatMap { self.identity(of: $0) }
    let followed = identity.flatMap { identity in
      shared.withLock { shared -> Outcome? in
        shared.state.forget(assumed: request.uid)
        let outcome = shared.outcome(of: request.uid, identity, on: request.node)
        shared.state.assume(pod: request.uid, identity, on: request.node, at: now)
        return outcome
      }
    }
    do {
      try await cluster?.bind(request)
    } catch {
      // Where it is not known whether the pod was bound, the watch will tell, or the count expires.
      if !error.mayHaveTakenEffect { update { $0.forget(assumed: request.uid) } }
      logger.warning(
        "A pod could not be bound",
        metadata: ["pod": "\(request.namespace)/\(request.name)", "node": "\(request.node)", "error": "\(error)"])
      return Answer(error: "\(error)")
    }
    if let followed { tell(followed) }
    return Answer(error: "")
  }

  private static func reading<Value>(
    _ body: ByteBuffer, _ read: (UnsafeRawBufferPointer) throws(ProtocolError) -> Value
  ) throws(ProtocolError) -> Value {
    let result = body.withUnsafeReadableBytes { bytes in
      Result { () throws(ProtocolError) in try read(bytes) }
    }
    return try result.get()
  }
}

// MARK: - Was the plan followed?

extension SchedulerWebhook {
  /// Takes what the watch tells of a pod: where it runs, or nil for one that runs nowhere.
  package func observe(pod uid: String, _ identity: ReplicaIdentity?, on node: String?) {
    let outcome = shared.withLock { shared -> Outcome? in
      var outcome: Outcome?
      if let identity, let node, shared.state.replicas[uid] == nil, shared.decisions[uid] != nil {
        shared.state.forget(assumed: uid)
        outcome = shared.outcome(of: uid, identity, on: node)
      }
      shared.state.set(pod: uid, identity, on: node)
      // A pod that is gone will not be bound.
      if identity == nil { shared.decisions.remove(uid) }
      return outcome
    }
    if let outcome { tell(outcome) }
  }

  /// Takes what the watch tells of a pod that waits to be bound: it may be bound without a question.
  func observe(waiting pod: RequestedPod, at now: ContinuousClock.Instant = .now) {
    shared.withLock { shared in
      guard shared.decisions[pod.uid] == nil, shared.state.assumed[pod.uid] == nil,
        let identity = pod.identity(shared.owners), shared.state.isPlanned(identity)
      else { return }
      shared.decisions.insert(Decision(pod: pod, identity: identity, fit: .unasked), at: now)
    }
  }

  /// How a binding stands to the plan.
  fileprivate struct Outcome {
    var decision: Decision
    var node: String
    var room: (here: Int, most: Int)
  }

  private func tell(_ outcome: Outcome) {
    if outcome.room.here > 0 { return metrics.hits.increment() }
    let decision = outcome.decision
    if decision.fit == .unplanned { return }
    guard outcome.room.most > 0 else { return metrics.beyondPlan.increment() }
    let reason: String
    switch decision.fit {
    case .absent:
      metrics.missesAbsent.increment()
      reason =
        "the scheduler offered none of the nodes where the plan has room: they do not fit, or it did not look at them"
    case .unasked:
      metrics.missesUnasked.increment()
      reason = "the scheduler did not ask: a single node was left to it, or the extender was out of reach"
    case .offered, .full, .unplanned:
      metrics.missesOutweighed.increment()
      reason = "the scheduler's other scores outweighed the plan, or its node was taken in the meantime"
    }
    logger.notice(
      "A pod runs elsewhere than planned",
      metadata: [
        "pod": "\(decision.pod.namespace)/\(decision.pod.name)", "node": "\(outcome.node)", "reason": "\(reason)",
      ])
    cluster?.tell(
      decision.pod, reason: "PlanNotFollowed",
      message: "runs on \(outcome.node), where the plan has no room for \(decision.identity.workload): \(reason)")
  }
}

extension SchedulerWebhook.Shared {
  /// Scores nodes for a pod, and remembers it; where the plan decides, the replica counts at once on the best of them.
  fileprivate mutating func scores(
    of pod: RequestedPod, on nodes: [Int32], at now: ContinuousClock.Instant
  ) -> [UInt8] {
    let identity = pod.identity(owners)
    var scores = state.scores(for: identity, on: nodes)
    guard let identity else { return scores.scores }
    if let best = state.decide(&scores) {
      state.expect(pod: pod.uid, identity, on: state.nodes[Int(nodes[best])], at: now)
    }
    decisions.insert(SchedulerWebhook.Decision(pod: pod, identity: identity, fit: scores.fit), at: now)
    return scores.scores
  }

  /// How a binding stands to the plan; nil where nothing was decided for the pod. It is told once.
  fileprivate mutating func outcome(
    of uid: String, _ identity: ReplicaIdentity, on node: String
  ) -> SchedulerWebhook.Outcome? {
    decisions.remove(uid).map { decision in
      SchedulerWebhook.Outcome(decision: decision, node: node, room: state.room(for: identity, on: node))
    }
  }
}
