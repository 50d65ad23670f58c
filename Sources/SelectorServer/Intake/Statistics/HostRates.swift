import Model
import Selection

/// Makes loads of what several Envoys count for each host, from one look to the next.
struct HostRates: Sendable {
  private struct Look: Sendable {
    var hosts: EnvoyHosts
    var at: Moment
  }

  private var before: [String: Look] = [:]

  /// Takes what Envoys count now, by where they were asked; one that did not answer is missing. Answers the load of each
  /// host: requests in flight over all of them, and rates since the look before. A counter that fell started anew.
  mutating func loads(_ looks: [String: EnvoyHosts], at now: Moment) -> [String: LoadReport] {
    var loads: [String: LoadReport] = [:]
    for (source, hosts) in looks {
      let before = before[source]
      let seconds = before.map { now.seconds(since: $0.at) } ?? 0
      for (address, counts) in hosts.counts {
        var load = loads[address] ?? LoadReport(inFlight: 0)
        load.inFlight = (load.inFlight ?? 0) + Int(saturating: min(counts.active, 1e9))
        if let then = before?.hosts.counts[address], seconds > 0 {
          let total = counts.total >= then.total ? counts.total - then.total : counts.total
          let errors = counts.errors >= then.errors ? counts.errors - then.errors : counts.errors
          load.requestsPerSecond = (load.requestsPerSecond ?? 0) + total / seconds
          load.errorsPerSecond = (load.errorsPerSecond ?? 0) + errors / seconds
        }
        loads[address] = load
      }
    }
    before = looks.mapValues { Look(hosts: $0, at: now) }
    return loads
  }
}
