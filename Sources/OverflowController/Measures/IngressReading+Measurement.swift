import Kubernetes
import OverflowPolicies

extension IngressReading: CounterReading {
  /// Demand is what goes to any destination of the policy, times and errors are of those here.
  static func measurement(of policy: OverflowPolicy, _ pairs: [LookPair<IngressReading>]) -> DemandMeasurement? {
    var local = Rates()
    var remote = policy.spec.neighbours.map { _ in Rates() }
    for pair in pairs {
      func add(_ host: String, to rates: inout Rates) {
        let namespace = policy.key.namespace
        guard let now = pair.now.counts(of: host, in: namespace) else { return }
        rates.add(now, since: pair.before.counts(of: host, in: namespace), pair.seconds)
      }
      add(policy.spec.service, to: &local)
      for (k, neighbour) in policy.spec.neighbours.enumerated() { add(neighbour.host, to: &remote[k]) }
    }
    let seconds = pairs.reduce(0) { $0 + $1.seconds } / Double(pairs.count)
    var measurement = DemandMeasurement(
      demandPerMinute: 60 * remote.reduce(local.arrived) { $0 + $1.arrived }, seconds: seconds,
      responseSeconds: local.timed > 0 ? local.seconds / local.timed : nil,
      errorShare: local.ended > 0 ? min(1, local.failed / local.ended) : nil)
    for (neighbour, rates) in zip(policy.spec.neighbours, remote) {
      measurement.outcomes[neighbour.name] = .init(requests: rates.ended * seconds, failures: rates.failed * seconds)
    }
    return measurement
  }

  /// What happens each second.
  private struct Rates {
    var arrived = 0.0
    var ended = 0.0
    var failed = 0.0
    var seconds = 0.0
    var timed = 0.0

    mutating func add(_ now: Counts, since before: Counts?, _ time: Double) {
      // Where one of these fell, the Envoy, or what it knows of the host, began anew.
      let isAnew = before.map { now.sent < $0.sent || now.ended < $0.ended } ?? true
      let then = isAnew ? Counts() : before ?? Counts()
      func growth(_ count: KeyPath<Counts, Double>) -> Double { now[keyPath: count] - then[keyPath: count] }
      arrived += max(0, growth(\.sent) + growth(\.refused) + growth(\.waiting) - growth(\.retried)) / time
      ended += max(0, growth(\.ended)) / time
      failed += max(0, growth(\.failed)) / time
      seconds += max(0, growth(\.seconds)) / time
      timed += max(0, growth(\.timed)) / time
    }
  }
}
