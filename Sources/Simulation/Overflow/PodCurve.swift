import Foundation
import Model

/// How one pod does under a load that grows step by step: the original's figure 5.
public struct PodCurve: Hashable, Sendable, Codable {
  /// A load, for a while.
  public struct Step: Hashable, Sendable, Codable {
    /// Requests per minute.
    public var rpm: Double
    /// The mean response time, in milliseconds; those given up count with the timeout.
    public var meanMs: Double
    /// The share of requests that were errors, 0…1.
    public var errorRate: Double
  }

  /// The scenario's name.
  public var scenario = "overflow-calibration"
  /// The steps, the load growing.
  public var steps: [Step]

  /// Ramps the load on one pod: from 10 requests a minute, 30 more each minute, up to 400.
  ///
  /// - Parameters:
  ///   - model: How the pod works.
  ///   - seeds: How many pods are tried, each for itself; the figures are means over all, at least 1.
  public init(_ model: PodModel = PodModel(), seeds: Int) {
    var sums = (0..<14).map { _ in Sums() }
    for seed in 1...max(1, seeds) { Self.ramp(model, seed: UInt64(truncatingIfNeeded: seed) &* 1_000_003, &sums) }
    steps = sums.enumerated().map { k, sum in
      Step(
        rpm: Self.rpm(k), meanMs: (sum.seconds / Double(max(1, sum.timed)) * 1e6).rounded() / 1e3,
        errorRate: (Double(sum.errors) / Double(max(1, sum.requests)) * 1e6).rounded() / 1e6)
    }
  }

  private struct Sums {
    var requests = 0
    var errors = 0
    var timed = 0
    var seconds = 0.0
  }

  private struct Event: Timed {
    var at: Moment
    /// The request that is done; nil where one arrives.
    var request: Int?
  }

  private static func rpm(_ step: Int) -> Double { 10 + 30 * Double(step) }

  private static func ramp(_ model: PodModel, seed: UInt64, _ sums: inout [Sums]) {
    var pod = SimulatedPod(model, seed: seed &+ 17)
    var generator = SeededGenerator(seed: seed)
    var events = EventQueue<Event>()
    var arrivals: [(at: Moment, step: Int)] = []
    events.push(Event(at: .start))
    while let event = events.pop() {
      let now = event.at
      guard let request = event.request else {
        let step = Int(saturating: now.seconds / 60)
        guard sums.indices.contains(step) else { continue }
        sums[step].requests += 1
        arrivals.append((now, step))
        switch pod.take(arrivals.count - 1) {
        case .started(let seconds):
          events.push(Event(at: .seconds(now.seconds + seconds), request: arrivals.count - 1))
        case .waits: break
        case .rejected: sums[step].errors += 1
        }
        events.push(Event(at: .seconds(now.seconds - log(1 - generator.unit()) * 60 / rpm(step))))
        continue
      }
      let seconds = now.seconds(since: arrivals[request].at)
      let step = arrivals[request].step
      sums[step].timed += 1
      sums[step].seconds += min(seconds, model.timeoutSeconds)
      if seconds > model.timeoutSeconds { sums[step].errors += 1 }
      if let next = pod.next() { events.push(Event(at: .seconds(now.seconds + next.seconds), request: next.request)) }
    }
  }

  /// The curve as one JSON object, with a line feed at its end.
  public func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
  }
}
