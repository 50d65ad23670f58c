import Foundation
import Model

/// What clients saw in one run. Latencies are those of requests that were answered without an error, and of those given
/// up, which count with the timeout.
public struct RunResult: Hashable, Sendable, Codable {
  /// The policy.
  public var policy: String
  /// The share of the capacity that was asked for.
  public var load: Double
  /// The seed.
  public var seed: Int
  /// How many clients there were, where the scenario compares that.
  public var clients: Int?
  /// How many selectors they shared, where the scenario compares that; nil where each had its own.
  public var selectors: Int?
  /// Requests that arrived while it was measured.
  public var requests: Int
  /// Those that ended with an error or were given up.
  public var errors: Int
  /// The mean latency, in milliseconds.
  public var meanMs: Double
  /// The median, in milliseconds.
  public var p50Ms: Double
  /// Nine of ten were faster, in milliseconds.
  public var p90Ms: Double
  /// 99 of 100 were faster, in milliseconds.
  public var p99Ms: Double
  /// 999 of 1,000 were faster, in milliseconds.
  public var p999Ms: Double

  init(_ policy: SimulatedPolicy, load: Double, seed: Int, requests: Int, errors: Int, latencies: [Double]) {
    self.policy = policy.rawValue
    self.load = load
    self.seed = seed
    self.requests = requests
    self.errors = errors
    let sorted = latencies.sorted()
    func quantile(_ share: Double) -> Double {
      sorted.isEmpty ? 0 : Self.rounded(sorted[min(sorted.count - 1, Int(saturating: Double(sorted.count) * share))])
    }
    meanMs = sorted.isEmpty ? 0 : Self.rounded(sorted.reduce(0, +) / Double(sorted.count))
    p50Ms = quantile(0.5)
    p90Ms = quantile(0.9)
    p99Ms = quantile(0.99)
    p999Ms = quantile(0.999)
  }

  /// Seconds as milliseconds, to the microsecond.
  private static func rounded(_ seconds: Double) -> Double { (seconds * 1e6).rounded() / 1e3 }
}

/// All runs of a scenario.
public struct SimulationResult: Hashable, Sendable, Codable {
  /// The scenario's name.
  public var scenario: String
  /// The runs, by load, policy and seed.
  public var runs: [RunResult]

  /// Makes a result.
  public init(scenario: String, runs: [RunResult]) {
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
