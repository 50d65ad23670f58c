import Kubernetes
import OverflowPolicies
import Selection

/// Makes rates of what several Envoys have counted, from one look to the next, and sums them up.
///
/// A counter that fell began anew. An Envoy that does not answer counts on as before for a few seconds: it may be about to
/// go, and its requests with it, to others.
struct IngressRates: Sendable {
  private struct Look: Sendable {
    var reading: IngressReading
    var at: Moment
    /// The look before, where there was one.
    var before: (reading: IngressReading, at: Moment)?
  }

  /// For how long an Envoy that does not answer counts as before, in seconds.
  static let patience = 5.0

  private var looks: [String: Look] = [:]

  /// An Envoy was looked at. A look in the same instant, or before the last, is none.
  mutating func note(_ reading: IngressReading, of envoy: String, at now: Moment) {
    let last = looks[envoy]
    if let last, now <= last.at { return }
    looks[envoy] = Look(reading: reading, at: now, before: last.map { ($0.reading, $0.at) })
  }

  /// Forgets Envoys that are no more.
  mutating func keep(only envoys: Set<String>) {
    looks = looks.filter { envoys.contains($0.key) }
  }

  /// What is known for a policy; nil where nothing is, or what is said cannot be.
  func measurement(of policy: OverflowPolicy, at now: Moment) -> DemandMeasurement? {
    var local = Rates()
    var remote = policy.spec.neighbours.map { _ in Rates() }
    var seconds = 0.0
    var count = 0.0
    for look in looks.values {
      guard let before = look.before, now.seconds(since: look.at) <= Self.patience else { continue }
      let time = look.at.seconds(since: before.at)
      seconds += time
      count += 1
      func add(_ host: String, to rates: inout Rates) {
        let namespace = policy.key.namespace
        guard let now = look.reading.counts(of: host, in: namespace) else { return }
        rates.add(now, since: before.reading.counts(of: host, in: namespace), time)
      }
      add(policy.spec.service, to: &local)
      for (k, neighbour) in policy.spec.neighbours.enumerated() { add(neighbour.host, to: &remote[k]) }
    }
    guard count > 0 else { return nil }
    let time = seconds / count
    var measurement = DemandMeasurement(
      demandPerMinute: 60 * remote.reduce(local.arrived) { $0 + $1.arrived }, seconds: time,
      responseSeconds: local.timed > 0 ? local.seconds / local.timed : nil,
      errorShare: local.ended > 0 ? min(1, local.failed / local.ended) : nil)
    for (neighbour, rates) in zip(policy.spec.neighbours, remote) {
      measurement.outcomes[neighbour.name] = .init(requests: rates.ended * time, failures: rates.failed * time)
    }
    return measurement.isSound ? measurement : nil
  }

  /// What happens each second.
  private struct Rates {
    var arrived = 0.0
    var ended = 0.0
    var failed = 0.0
    var seconds = 0.0
    var timed = 0.0

    mutating func add(_ now: IngressReading.Counts, since before: IngressReading.Counts?, _ time: Double) {
      // Where one of these fell, the Envoy, or what it knows of the host, began anew.
      let isAnew = before.map { now.sent < $0.sent || now.ended < $0.ended } ?? true
      let then = isAnew ? IngressReading.Counts() : before ?? .init()
      func growth(_ count: KeyPath<IngressReading.Counts, Double>) -> Double {
        now[keyPath: count] - then[keyPath: count]
      }
      arrived += max(0, growth(\.sent) + growth(\.refused) + growth(\.waiting) - growth(\.retried)) / time
      ended += max(0, growth(\.ended)) / time
      failed += max(0, growth(\.failed)) / time
      seconds += max(0, growth(\.seconds)) / time
      timed += max(0, growth(\.timed)) / time
    }
  }
}
