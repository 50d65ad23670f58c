import Model
import Selection

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// What share of the requests each replica should get from those that do not ask for each: what it can answer each second,
/// compared with the others.
///
/// Not what it has to do at the moment: that changes faster than a weight travels, and a share that follows it swings.
/// What a replica can answer does not depend on its share. It is known, in this order, from the time that a request is
/// worked on, as the selector saw it; from requests each second and the processors that they took; from requests each
/// second and in flight (Little's law). Only where nobody knows any of these, the selector's cost decides, which is dearer
/// the more there is to do.
struct EndpointWeights: Sendable {
  private enum Basis: CaseIterable { case pace, utilization, requests }

  fileprivate struct Record: Sendable {
    /// Requests each second that it can answer, as last known.
    var capacity: Double?
    /// Averages of what it reported, and the last report among them.
    var requests = 0.0
    var rate = 0.0
    var reported: Moment?
    /// The logarithm of its share where the average is one.
    var share: Double?
  }

  private var records: [String: Record] = [:]
  /// Of what kind the capacities are; those of different kinds cannot be compared.
  private var basis: Basis?

  /// How long a report counts.
  private static let reportLifetime = 10.0
  /// How much of a report goes into the averages.
  private static let averaging = 0.3
  /// As how many requests a failed one counts, besides those that succeed.
  private static let failureCost = 20.0
  /// No share is smaller than so much of the average: who gets nothing shows nothing.
  private static let smallest = 0.02

  /// The share of a replica, where the average is one.
  func share(of address: String) -> Double { records[address]?.share.map(exp) ?? 1 }

  /// Learns how replicas are now. To be called about once a second.
  mutating func follow(_ replicas: [ReplicaStatus], at now: Moment) {
    let before = records
    records = [:]
    for status in replicas {
      var record = before[status.replica.address] ?? Record()
      record.note(status, averaging: Self.averaging)
      records[status.replica.address] = record
    }
    learnCapacities(replicas, at: now)
    let targets = targets(replicas)
    let mean = targets.reduce(0, +) / Double(max(1, targets.count))
    for (status, target) in zip(replicas, targets) {
      records[status.replica.address]?.approach(max(Self.smallest, target / mean))
    }
  }

  private mutating func learnCapacities(_ replicas: [ReplicaStatus], at now: Moment) {
    func known(_ basis: Basis) -> [Double?] { replicas.map { capacity(of: $0, by: basis, at: now) } }
    let kinds = Basis.allCases.map { (basis: $0, known: known($0)) }
    func count(_ values: [Double?]) -> Int { values.count { $0 != nil } }
    // Another kind is taken up where the present one says little, so that it does not change to and fro.
    let present = kinds.first { $0.basis == basis && 2 * count($0.known) >= replicas.count }
    let best = kinds.max { count($0.known) < count($1.known) }
    guard let chosen = present ?? best, count(chosen.known) > 0 else { return }
    if chosen.basis != basis {
      for address in records.keys { records[address]?.capacity = nil }
      basis = chosen.basis
    }
    for (status, capacity) in zip(replicas, chosen.known) {
      if let capacity { records[status.replica.address]?.capacity = capacity }
    }
  }

  private func capacity(of status: ReplicaStatus, by basis: Basis, at now: Moment) -> Double? {
    let view = status.view
    let servers = Double(status.replica.concurrency ?? 1)
    guard basis != .pace else {
      return view.pace.flatMap { $0.completions >= 3 && $0.seconds > 0 ? servers / $0.seconds : nil }
    }
    func isFresh(_ heard: Moment?) -> Bool { heard.map { now.seconds(since: $0) < Self.reportLifetime } ?? false }
    guard let report = view.lastReport, isFresh(view.reportTimes?.requestsPerSecond),
      let record = records[status.replica.address], record.rate > 0
    else { return nil }
    let errors = min(0.5, isFresh(view.reportTimes?.errorsPerSecond) ? (report.errorsPerSecond ?? 0) / record.rate : 0)
    let yield = 1 / (1 + Self.failureCost * errors / (1 - errors))
    if basis == .utilization {
      guard let used = report.cpuUtilization, isFresh(view.reportTimes?.cpuUtilization) else { return nil }
      return yield * record.rate / max(0.05, used)
    }
    guard isFresh(view.reportTimes?.inFlight), record.requests > 0 else { return nil }
    let workedOn = status.replica.concurrency == nil ? record.requests : min(servers, record.requests)
    return yield * servers * record.rate / workedOn
  }

  private func targets(_ replicas: [ReplicaStatus]) -> [Double] {
    func cost(_ status: ReplicaStatus) -> Double {
      status.view.cost > 0 && status.view.cost.isFinite ? status.view.cost : 1
    }
    let capacities = replicas.map { status in
      records[status.replica.address]?.capacity.map { $0 * status.replica.weight }
    }
    // What is not known of some is reckoned from their costs, at the others' ratio.
    let products = zip(replicas, capacities).compactMap { status, capacity in capacity.map { $0 * cost(status) } }
    let ratio = products.isEmpty ? 1 : products.reduce(0, +) / Double(products.count)
    return zip(replicas, capacities).map { status, capacity in
      (capacity ?? ratio / cost(status)) * status.view.warmth
    }
  }
}

extension EndpointWeights.Record {
  /// Takes a report that is new into the averages.
  fileprivate mutating func note(_ status: ReplicaStatus, averaging: Double) {
    guard let report = status.view.lastReport, let heard = status.view.reportTimes?.requestsPerSecond,
      heard != reported, let rate = report.requestsPerSecond
    else { return }
    let part = reported == nil ? 1 : averaging
    reported = heard
    self.rate += (rate - self.rate) * part
    requests += (Double(report.inFlight ?? 0) - requests) * part
  }

  /// Goes towards a share: what is far away quickly, what may be chance slowly.
  fileprivate mutating func approach(_ target: Double) {
    let goal = log(target)
    guard let share else { return self.share = goal }
    let way = goal - share
    self.share = share + way * min(0.6, max(0.15, abs(way)))
  }
}
