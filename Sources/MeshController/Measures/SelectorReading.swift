import Fleet
import Formats

/// What one selector has counted so far of the requests of services that have a policy, from its `/metrics`.
struct SelectorReading: CounterReading, Hashable {
  /// What was counted for a service.
  struct Counts: Hashable, Sendable {
    /// Requests that came, before any were sent on.
    var arrived = 0.0
    /// Requests that were turned away.
    var shed = 0.0
    /// Requests that were sent on, by neighbour.
    var sent: [String: Double] = [:]
  }

  private static let prefix = "tonari_selector_overflow_"
  private static let names = Set(["arrivals_total", "shed_total", "sent_total"].map { prefix + $0 })

  /// By `namespace/name`, all ports of a service together.
  private(set) var services: [String: Counts] = [:]

  init(_ bytes: [UInt8]) throws {
    var isSelector = false
    try PrometheusText.read(bytes) { name in
      isSelector = isSelector || name.hasPrefix("tonari_selector_")
      return Self.names.contains(name)
    } _: { sample in
      guard sample.value >= 0 else {
        throw PrometheusText.Fault(description: "\(sample.name): found \(sample.value), expected a count")
      }
      guard let name = sample.labels["service"] else { return }
      let service = name.lastIndex(of: ":").map { String(name[..<$0]) } ?? name
      var counts = services[service] ?? Counts()
      if let neighbour = sample.labels["neighbour"] {
        counts.sent[neighbour, default: 0] += sample.value
      } else if sample.name.hasSuffix("shed_total") {
        counts.shed += sample.value
      } else {
        counts.arrived += sample.value
      }
      services[service] = counts
    }
    guard isSelector else { throw PrometheusText.absence(of: "a selector", in: bytes) }
  }

  /// Demand is what came to all selectors; where it went they say themselves.
  static func finding(_ measured: MeasuredPolicy, _ pairs: [LookPair<SelectorReading>]) -> Finding {
    let policy = measured.policy
    guard pairs.contains(where: { $0.now.services[policy.service] != nil }) else {
      return .missing("no selector counts requests of service \(policy.service): none follows its policy")
    }
    var arrived = 0.0
    var shed = 0.0
    var sent = policy.spec.neighbours.map { _ in 0.0 }
    for pair in pairs {
      guard let now = pair.now.services[policy.service] else { continue }
      let before = pair.before.services[policy.service] ?? Counts()
      let then = now.arrived < before.arrived ? Counts() : before
      arrived += (now.arrived - then.arrived) / pair.seconds
      shed += max(0, now.shed - then.shed) / pair.seconds
      for (k, neighbour) in policy.spec.neighbours.enumerated() {
        sent[k] += max(0, (now.sent[neighbour.name] ?? 0) - (then.sent[neighbour.name] ?? 0)) / pair.seconds
      }
    }
    let seconds = pairs.reduce(0) { $0 + $1.seconds } / Double(pairs.count)
    var measurement = DemandMeasurement(demandPerMinute: arrived * 60, seconds: seconds)
    // Counters of one look are not of the same instant.
    let total = max(arrived, shed + sent.reduce(0, +))
    if total > 0 {
      let remote = sent.map { $0 / total }
      measurement.shares = DemandMeasurement.Shares(
        local: max(0, 1 - shed / total - remote.reduce(0, +)), remote: remote, shed: shed / total)
    }
    return .counted(measurement)
  }
}
