import Foundation

/// Rushes with several policies, each the mean over its seeds, as one JSON object.
public struct OverflowResult: Hashable, Sendable, Codable {
  /// One policy.
  public struct Run: Hashable, Sendable, Codable {
    /// The policy.
    public var policy: String
    /// What was let in at the edge at most, in requests per minute; null where that was all.
    public var capacityRpm: Double?
    /// The mean response time, in milliseconds.
    public var meanMs: Double
    /// The median response time, in milliseconds.
    public var medianMs: Double
    /// The share of all requests that were errors, 0…1.
    public var errorRate: Double
    /// What happened when.
    public var series: [Sample]

    /// Writes a capacity that is not there as null.
    public func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(policy, forKey: .policy)
      try container.encode(capacityRpm, forKey: .capacityRpm)
      try container.encode(meanMs, forKey: .meanMs)
      try container.encode(medianMs, forKey: .medianMs)
      try container.encode(errorRate, forKey: .errorRate)
      try container.encode(series, forKey: .series)
    }
  }

  /// Half a minute. Rates are in requests per minute.
  public struct Sample: Hashable, Sendable, Codable {
    /// The middle of it, in minutes since the beginning.
    public var minute: Double
    /// What was asked for.
    public var demandRpm: Double
    /// What went to the edge's own pods.
    public var localRpm: Double
    /// What went to the neighbour.
    public var remoteRpm: Double
    /// What was turned away.
    public var shedRpm: Double
    /// The mean response time of all, in milliseconds; left out where there was none.
    public var meanMs: Double?
    /// The share of all that were errors.
    public var errorRate: Double
    /// The share of those at the edge's own pods that were errors.
    public var localErrorRate: Double
    /// The share of those at the neighbour that were errors.
    public var remoteErrorRate: Double
  }

  /// The scenario's name.
  public var scenario: String
  /// The policies.
  public var runs: [Run]

  /// Makes a result.
  public init(scenario: String, runs: [Run]) {
    self.scenario = scenario
    self.runs = runs
  }

  /// The result as one JSON object, with a line feed at its end.
  public func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
  }
}

extension OverflowResult.Run {
  /// Takes several rushes together.
  ///
  /// - Parameter runs: one for each seed, at least one.
  public init(_ policy: SimulatedOverflow, _ runs: [OverflowRun]) {
    let responses = runs.flatMap(\.responses).sorted()
    let requests = runs.reduce(0) { $0 + $1.requests }
    let bins = (runs.map(\.bins.count).min() ?? 0)
    self.init(
      policy: policy.rawValue, capacityRpm: policy.capacityPerMinute,
      meanMs: rounded(responses.reduce(0, +) / Double(max(1, responses.count)) * 1000, 3),
      medianMs: rounded((responses.isEmpty ? 0 : responses[responses.count / 2]) * 1000, 3),
      errorRate: rounded(Double(runs.reduce(0) { $0 + $1.errors }) / Double(max(1, requests)), 6),
      series: (0..<bins).map { k in OverflowResult.Sample(runs.map { $0.bins[k] }, number: k) })
  }
}

extension OverflowResult.Sample {
  /// - Parameter bins: the same half minute of several rushes.
  fileprivate init(_ bins: [OverflowRun.Bin], number: Int) {
    func perMinute(_ count: (OverflowRun.Bin) -> Int) -> Double {
      rounded(Double(bins.reduce(0) { $0 + count($1) }) * 60 / OverflowRun.binSeconds / Double(max(1, bins.count)), 3)
    }
    func share(_ sides: [OverflowRun.Bin.Side], shed: Int = 0) -> Double {
      let (errors, requests) = (sides.reduce(shed) { $0 + $1.errors }, sides.reduce(shed) { $0 + $1.requests })
      return requests == 0 ? 0 : rounded(Double(errors) / Double(requests), 6)
    }
    let (here, neighbour) = (bins.map(\.here), bins.map(\.neighbour))
    let timed = (here + neighbour).reduce(0) { $0 + $1.timed }
    let seconds = (here + neighbour).reduce(0) { $0 + $1.seconds }
    self.init(
      minute: (Double(number) + 0.5) * OverflowRun.binSeconds / 60,
      demandRpm: perMinute { $0.here.requests + $0.neighbour.requests + $0.shed },
      localRpm: perMinute(\.here.requests), remoteRpm: perMinute(\.neighbour.requests), shedRpm: perMinute(\.shed),
      meanMs: timed > 0 ? rounded(seconds / Double(timed) * 1000, 3) : nil,
      errorRate: share(here + neighbour, shed: bins.reduce(0) { $0 + $1.shed }),
      localErrorRate: share(here), remoteErrorRate: share(neighbour))
  }
}

private func rounded(_ value: Double, _ digits: Int) -> Double {
  let power = pow(10, Double(digits))
  return (value * power).rounded() / power
}
