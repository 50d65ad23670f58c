package import Daemon
package import Model
import Overflow
package import Selection

/// What `/metrics` shows of a selector, read off its dispatcher and its framed servers.
package enum SelectorMetrics {
  /// Adds the metrics to a registry.
  ///
  /// - Parameters:
  ///   - mostServices: how many services have series of their own; of the others there are sums. Those that came first
  ///     keep theirs.
  ///   - framed: what the framed server did; nil where there is none.
  package static func register(
    in registry: MetricsRegistry, _ dispatcher: Dispatcher, mostServices: Int = 1000,
    framed: @escaping @Sendable () -> FramedStatistics?,
    now: @escaping @Sendable () -> Moment = { .now }
  ) {
    registry.collect {
      let now = now()
      var shown: [ServiceStatus] = []
      var others = (count: 0, tally: ServiceTally())
      for service in dispatcher.directory.inOrder {
        if shown.count < mostServices {
          shown.append(service.status(at: now))
        } else {
          others.count += 1
          others.tally.add(service.tally)
        }
      }
      let names = Set(shown.map(\.name))
      return services(shown.sorted { $0.name < $1.name }, at: now) + sums(others.count, others.tally)
        + overflows(dispatcher.overflows(at: now).filter { names.contains($0.key) }) + bounds(dispatcher)
        + (framed().map(connections) ?? [])
    }
  }

  /// Of services that have no series of their own.
  private static func sums(_ count: Int, _ tally: ServiceTally) -> [CollectedMetric] {
    var services = CollectedMetric(
      "tonari_selector_other_services", .gauge, "Services without series of their own, as there are too many.")
    services.add(count)
    guard count > 0 else { return [services] }
    var picks = CollectedMetric("tonari_selector_other_picks_total", .counter, "Picks of services without series.")
    picks.add(tally.counts.total)
    var failed = CollectedMetric(
      "tonari_selector_other_failures_total", .counter, "Failed requests of services without series.")
    failed.add(tally.counts.failed)
    var unanswered = CollectedMetric(
      "tonari_selector_other_unanswered_total", .counter, "Requests of services without series that got no replica.")
    unanswered.add(tally.counts.none &+ tally.counts.shed &+ tally.counts.refusedRetries)
    return [services, picks, failed, unanswered]
  }

  /// What there is of what is bounded, and what was refused.
  private static func bounds(_ dispatcher: Dispatcher) -> [CollectedMetric] {
    var services = CollectedMetric("tonari_selector_services", .gauge, "Services, which are bounded.")
    services.add(dispatcher.directory.count)
    var names = CollectedMetric(
      "tonari_selector_services_refused_total", .counter, "Names of services that were refused, as there were too many."
    )
    names.add(dispatcher.refusedNames)
    var registrations = CollectedMetric(
      "tonari_selector_registrations_refused_total", .counter,
      "Registrations that were refused, as their caller had too many.")
    registrations.add(dispatcher.refusedRegistrations)
    var digests = CollectedMetric(
      "tonari_selector_digests_refused_total", .counter,
      "Digests of peers that were refused: under the name of another, or of too many.")
    digests.add(dispatcher.refusedDigests)
    var picks = CollectedMetric(
      "tonari_selector_all_open_picks", .gauge, "Picks that are not complete, over all services, which are bounded.")
    picks.add(dispatcher.openPicks)
    return [services, names, registrations, digests, picks]
  }

  private static func services(_ services: [ServiceStatus], at now: Moment) -> [CollectedMetric] {
    var picks = CollectedMetric("tonari_selector_picks_total", .counter, "Picks, by how far the replica is.")
    var panics = CollectedMetric(
      "tonari_selector_panic_picks_total", .counter, "Picks of replicas that were not fit, since none was.")
    var unanswered = CollectedMetric(
      "tonari_selector_unanswered_total", .counter, "Requests for which no replica was named, by reason.")
    var completions = CollectedMetric("tonari_selector_completions_total", .counter, "Completed picks, by outcome.")
    var foreign = CollectedMetric(
      "tonari_selector_foreign_completions_total", .counter,
      "Completions of picks by somebody who had not made them; they changed nothing.")
    var open = CollectedMetric("tonari_selector_open_picks", .gauge, "Picks that are not complete.")
    var ejections = CollectedMetric("tonari_selector_ejections_total", .counter, "How often a replica was ejected.")
    var replicas = CollectedMetric("tonari_selector_replicas", .gauge, "Replicas, by state.")
    var inFlight = CollectedMetric(
      "tonari_selector_in_flight", .gauge, "Requests in flight at the service's replicas, by who dispatched them.")
    var age = CollectedMetric(
      "tonari_selector_report_age_seconds", .gauge, "For how long the replica that reported least lately has not.")
    for service in services {
      let name = ("service", service.name)
      let counts = service.counts
      for (tier, count) in [
        ("node", counts.node), ("zone", counts.zone), ("cluster", counts.cluster), ("remote", counts.remote),
      ] { picks.add(count, [name, ("policy", service.policy.rawValue), ("tier", tier)]) }
      panics.add(counts.panic, [name])
      unanswered.add(counts.none, [name, ("reason", "no replica")])
      unanswered.add(counts.shed, [name, ("reason", "full")])
      unanswered.add(counts.refusedRetries, [name, ("reason", "no retry left")])
      for (outcome, count) in [
        ("success", counts.succeeded), ("failure", counts.failed), ("cancelled", counts.cancelled),
        ("expired", counts.expired &- counts.evicted), ("evicted", counts.evicted),
      ] { completions.add(count, [name, ("outcome", outcome)]) }
      foreign.add(counts.foreign, [name])
      open.add(service.openPicks, [name])
      ejections.add(service.ejections, [name])
      for state in [ReplicaState.starting, .ready, .draining] {
        let count = service.replicas.count { $0.replica.state == state && !$0.view.isEjected }
        replicas.add(count, [name, ("state", "\(state)")])
      }
      replicas.add(service.replicas.count { $0.view.isEjected }, [name, ("state", "ejected")])
      inFlight.add(service.replicas.reduce(0) { $0 + $1.view.inFlight }, [name, ("by", "this selector")])
      inFlight.add(service.replicas.reduce(0) { $0 + $1.view.othersInFlight }, [name, ("by", "others")])
      if let oldest = service.replicas.compactMap(\.view.heard).min() {
        age.add(max(0, now.seconds(since: oldest)), [name])
      }
    }
    return [picks, panics, unanswered, completions, foreign, open, ejections, replicas, inFlight, age]
  }

  /// Counted before requests are split: a split that is made of what was split would feed on itself.
  private static func overflows(_ statuses: [String: OverflowStatus]) -> [CollectedMetric] {
    func metric(_ name: String, _ kind: CollectedMetric.Kind, _ help: String) -> CollectedMetric {
      CollectedMetric("tonari_selector_overflow_\(name)", kind, help)
    }
    var arrivals = metric("arrivals_total", .counter, "Requests that came to this selector, before any were sent on.")
    var received = metric("received_total", .counter, "Those of them that another cluster had sent.")
    var sent = metric("sent_total", .counter, "Requests that were sent to another cluster.")
    var shed = metric("shed_total", .counter, "Requests that were turned away as no cluster had room.")
    var demand = metric("demand_per_minute", .gauge, "What comes to the cluster, all selectors together.")
    var capacity = metric("capacity_per_minute", .gauge, "What the service bears in the cluster now.")
    var headroom = metric("headroom_per_minute", .gauge, "What more it would bear; below 0 where there is too much.")
    var admitted = metric("admitted_per_minute", .gauge, "What this selector lets in.")
    var room = metric("room_per_minute", .gauge, "What this selector sends to another cluster at most.")
    var down = metric("neighbour_down", .gauge, "Whether another cluster gets nothing since it failed.")
    for (service, status) in statuses.sorted(by: { $0.key < $1.key }) {
      let name = ("service", service)
      arrivals.add(status.arrivals, [name])
      received.add(status.received, [name])
      shed.add(status.shed, [name])
      demand.add(status.demandPerMinute, [name])
      capacity.add(status.capacityPerMinute, [name])
      headroom.add(status.headroomPerMinute, [name])
      admitted.add(status.admittedPerMinute, [name])
      for neighbour in status.neighbours {
        let labels = [name, ("neighbour", neighbour.name)]
        sent.add(neighbour.sent, labels)
        room.add(neighbour.roomPerMinute, labels)
        down.add(neighbour.isDown ? 1 : 0, labels)
      }
    }
    return statuses.isEmpty
      ? [] : [arrivals, received, sent, shed, demand, capacity, headroom, admitted, room, down]
  }

  private static func connections(_ framed: FramedStatistics) -> [CollectedMetric] {
    func metric(
      _ name: String, _ kind: CollectedMetric.Kind, _ help: String, _ value: some BinaryInteger
    ) -> CollectedMetric {
      var metric = CollectedMetric("tonari_selector_framed_\(name)", kind, help)
      metric.add(value)
      return metric
    }
    var decisions = CollectedMetric(
      "tonari_selector_decision_seconds", .histogram,
      "From a framed pick's message to its answer, of one pick in \(DecisionTimes.sampling).")
    decisions.add(
      counts: framed.decisions.counts, bounds: DecisionTimes.bounds.map { Double($0) / 1e9 },
      sum: Double(framed.decisions.totalNanoseconds) * 1e-9)
    return [
      decisions,
      metric("connections", .gauge, "Framed connections that are open.", framed.openConnections),
      metric("connections_total", .counter, "Framed connections that were taken.", framed.connections),
      metric("refused_connections_total", .counter, "Framed connections beyond the limit.", framed.refusedConnections),
      metric("evicted_connections_total", .counter, "Framed connections that made room for others.", framed.evicted),
      metric("timed_out_total", .counter, "Framed connections that took too long, or did nothing.", framed.timedOut),
      metric("overfull_total", .counter, "Framed connections that held too many bytes.", framed.overfull),
      metric("malformed_total", .counter, "Framed connections that did not speak the protocol.", framed.malformed),
      metric("messages_total", .counter, "Framed messages that were read.", framed.frames),
      metric("read_bytes_total", .counter, "Bytes that were read from framed connections.", framed.bytesRead),
      metric("written_bytes_total", .counter, "Bytes that were written to framed connections.", framed.bytesWritten),
    ]
  }
}
