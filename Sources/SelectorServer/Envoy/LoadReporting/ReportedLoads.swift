import EnvoyProtocol
import Model
import Selection
import SwiftProtobuf

/// What Envoys send to endpoints, summed over all of them, from what each reports about once a second.
struct ReportedLoads: Sendable {
  /// What Envoys have at an endpoint.
  struct Load: Hashable, Sendable {
    var inFlight = 0
    var requestsPerSecond = 0.0
    var errorsPerSecond = 0.0

    static func + (a: Load, b: Load) -> Load {
      Load(
        inFlight: a.inFlight + b.inFlight, requestsPerSecond: a.requestsPerSecond + b.requestsPerSecond,
        errorsPerSecond: a.errorsPerSecond + b.errorsPerSecond)
    }

    static func - (a: Load, b: Load) -> Load {
      Load(
        inFlight: a.inFlight - b.inFlight, requestsPerSecond: max(0, a.requestsPerSecond - b.requestsPerSecond),
        errorsPerSecond: max(0, a.errorsPerSecond - b.errorsPerSecond))
    }
  }

  /// What there is to tell of an endpoint.
  struct News: Hashable, Sendable {
    var load: LoadReport
    /// How requests ended since the last report, of those that this selector did not pick: it knows about its own.
    var successes = 0
    var failures = 0
  }

  /// An endpoint's sum, and how much of it this selector picked.
  fileprivate struct Endpoint: Sendable {
    var load = Load()
    var envoys = 0
    var picks: UInt64
    var picksPerSecond: Double?
    var counted: Moment
  }

  private struct Envoy: Sendable {
    var loads: [String: Load] = [:]
    var heard: Moment
  }

  private var envoys: [UInt64: Envoy] = [:]
  private var endpoints: [String: Endpoint] = [:]

  /// Where as much of the requests was picked here, those in flight are known better than from reports.
  private static let mostlyPicked = 0.75
  /// No count is larger.
  private static let most: UInt64 = 1_000_000_000

  /// Whether nobody reports of anything.
  var isEmpty: Bool { envoys.isEmpty && endpoints.isEmpty }

  /// Takes an Envoy's report. What it does not mention has nothing to do. Answers the loads of all endpoints that it
  /// mentions or did.
  ///
  /// - Parameters:
  ///   - envoy: the Envoy's stream.
  ///   - picks: how often an endpoint was picked by this selector.
  mutating func hear(
    _ clusters: [Envoy_Config_Endpoint_V3_ClusterStats], from envoy: UInt64, at now: Moment,
    picks: (String) -> UInt64
  ) -> [String: News] {
    let since = envoys[envoy].map { now.seconds(since: $0.heard) }
    var loads: [String: Load] = [:]
    var ends: [String: (successes: Int, failures: Int)] = [:]
    for cluster in clusters {
      let seconds = Self.seconds(of: cluster, since: since)
      for stats in cluster.upstreamLocalityStats.lazy.flatMap(\.upstreamEndpointStats) {
        guard let address = EndpointAddress(stats.address) else { continue }
        let ended = stats.totalSuccessfulRequests.addingReportingOverflow(stats.totalErrorRequests).partialValue
        let issued = stats.totalIssuedRequests > 0 ? stats.totalIssuedRequests : ended
        let load = Load(
          inFlight: Int(clamping: min(stats.totalRequestsInProgress, Self.most)),
          requestsPerSecond: Double(min(issued, Self.most)) / seconds,
          errorsPerSecond: Double(min(stats.totalErrorRequests, Self.most)) / seconds)
        loads[address.text] = (loads[address.text] ?? Load()) + load
        ends[address.text, default: (0, 0)].successes += Int(clamping: min(stats.totalSuccessfulRequests, Self.most))
        ends[address.text, default: (0, 0)].failures += Int(clamping: min(stats.totalErrorRequests, Self.most))
      }
    }
    let before = envoys.updateValue(Envoy(loads: loads, heard: now), forKey: envoy)?.loads ?? [:]
    return change(before, to: loads, ends, at: now, picks)
  }

  /// An Envoy is gone, and with it what it had. Answers the loads of all endpoints that it had mentioned.
  mutating func forget(_ envoy: UInt64, at now: Moment, picks: (String) -> UInt64) -> [String: News] {
    change(envoys.removeValue(forKey: envoy)?.loads ?? [:], to: [:], [:], at: now, picks)
  }

  private mutating func change(
    _ before: [String: Load], to after: [String: Load], _ ends: [String: (successes: Int, failures: Int)],
    at now: Moment, _ picks: (String) -> UInt64
  ) -> [String: News] {
    var reports: [String: News] = [:]
    for address in Set(before.keys).union(after.keys) {
      var endpoint = endpoints[address] ?? Endpoint(picks: picks(address), counted: now)
      endpoint.load = endpoint.load - (before[address] ?? Load()) + (after[address] ?? Load())
      endpoint.envoys += (after[address] == nil ? 0 : 1) - (before[address] == nil ? 0 : 1)
      endpoint.count(picks(address), at: now)
      endpoints[address] = endpoint.envoys > 0 ? endpoint : nil
      let isPicked = endpoint.isPicked(Self.mostlyPicked)
      let end = isPicked ? (0, 0) : ends[address] ?? (0, 0)
      reports[address] = News(load: endpoint.report(isPicked: isPicked), successes: end.0, failures: end.1)
    }
    return reports
  }

  /// The time that a report is of: what it says, where that can be, else the time since the last one.
  private static func seconds(of cluster: Envoy_Config_Endpoint_V3_ClusterStats, since: Double?) -> Double {
    let said = Double(cluster.loadReportInterval.seconds) + Double(cluster.loadReportInterval.nanos) * 1e-9
    if (0.01...600).contains(said) { return said }
    return max(0.01, since ?? 1)
  }
}

extension ReportedLoads.Endpoint {
  /// Notes how often it was picked, for the rate of it.
  fileprivate mutating func count(_ picks: UInt64, at now: Moment) {
    let seconds = now.seconds(since: counted)
    guard seconds >= 0.9 else { return }
    let rate = Double(picks >= self.picks ? picks - self.picks : picks) / seconds
    picksPerSecond = picksPerSecond.map { ($0 + rate) / 2 } ?? rate
    self.picks = picks
    counted = now
  }

  /// Whether such a share of the requests was picked here.
  fileprivate func isPicked(_ share: Double) -> Bool {
    picksPerSecond.map { $0 > 0 && $0 >= share * load.requestsPerSecond } ?? (picks > 0)
  }

  /// What Envoys say of it. Reports are of different moments: against what this selector itself has in flight there, their
  /// sum differs by chance, and would be taken for others' requests. So it is told only where others ask for many.
  fileprivate func report(isPicked: Bool) -> LoadReport {
    LoadReport(
      inFlight: isPicked ? nil : load.inFlight, requestsPerSecond: load.requestsPerSecond,
      errorsPerSecond: load.errorsPerSecond)
  }
}
