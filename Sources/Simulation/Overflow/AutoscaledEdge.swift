import Foundation
import Model
public import Overflow

/// An edge whose pods an autoscaler adds, a rush at it, and a neighbour that has room: does the overflow end once there may
/// be pods for everything here?
///
/// The governor and the autoscaler decide as they do on a cluster: each second, and each 15 seconds by the last minute's
/// figures, with pods that take their time to start.
public struct AutoscaledEdge: Hashable, Sendable {
  /// What the autoscaler scales by, with a target for each pod in requests per minute.
  public enum Signal: Hashable, Sendable {
    /// What reaches the pods, as their processors or a mesh's metrics of the service show it.
    case servedHere(target: Double)
    /// The demand before overflow.
    case demand(target: Double)
  }

  /// A second of it.
  public struct Step: Hashable, Sendable {
    /// Pods that are ready.
    public var pods: Int
    /// The share of the requests that does not stay.
    public var out: Double
    /// How overflow and the autoscaler go together.
    public var verdict: ScalingWatch.Verdict
  }

  /// What a pod bears, in requests per minute.
  public var perPod = 180.0
  /// The least pods, which there are at the beginning, and the most.
  public var pods = 3...10
  /// From when a pod is wanted until it is ready, in seconds.
  public var startSeconds = 30.0
  /// What is asked of the edge.
  public var demand: DemandCurve

  private static let sync = 15
  private static let window = 60
  /// For so many seconds the most that was wanted stays.
  private static let stabilization = 300

  /// Makes an edge.
  public init(demand: DemandCurve) {
    self.demand = demand
  }

  /// Plays the rush, second by second.
  public func run(_ signal: Signal, seed: Int) -> [Step] {
    var generator = SeededGenerator(seed: UInt64(truncatingIfNeeded: seed) &* 1_000_003 &+ 7)
    var governor = SplitGovernor()
    var watch = ScalingWatch()
    var ready = pods.lowerBound
    var starting: [Double] = []
    var wanted: [(second: Int, pods: Int)] = []
    var served: [Double] = []
    var steps: [Step] = []
    for second in 0..<Int(saturating: demand.minutes * 60) {
      let now = Moment.seconds(Double(second + 1))
      let arrived = Self.poisson(demand.perMinute(atMinute: Double(second) / 60) / 60, &generator)
      let headroom = Headroom(perMinute: 1e5, at: now, lifetime: .seconds(10))
      served.append(arrived * governor.split.local * 60)
      let split = governor.decide(
        Observation(
          demandPerMinute: arrived * 60, capacityPerMinute: perPod * Double(ready),
          neighbours: [Neighbour(name: "neighbour", cost: 4, headroom: headroom)]), at: now)

      let figure =
        switch signal {
        case .servedHere(let target):
          Autoscaler.Metric(
            name: "requests", current: Self.mean(served.suffix(Self.window)) / Double(ready), target: target)
        case .demand(let target):
          Autoscaler.Metric(
            name: Self.demandMetric, current: governor.demandPerMinute.map { $0 / Double(ready) }, target: target)
        }
      var autoscaler = Autoscaler(
        name: "edge", current: ready, desired: ready, most: pods.upperBound, metrics: [figure])
      if second.isMultiple(of: Self.sync) { wanted.append((second, max(pods.lowerBound, autoscaler.wanted()))) }
      wanted.removeAll { $0.second <= second - Self.stabilization }
      autoscaler.desired = wanted.map(\.pods).max() ?? ready
      while ready + starting.count < autoscaler.desired { starting.append(now.seconds + startSeconds) }
      if autoscaler.desired < ready { ready = autoscaler.desired }
      ready += starting.count { $0 <= now.seconds }
      starting.removeAll { $0 <= now.seconds }
      let verdict = watch.step(
        autoscaler, .perPod(perMinute: perPod), overflows: split.local < 1,
        isDemandMetric: { $0 == Self.demandMetric }, at: now)
      steps.append(Step(pods: ready, out: 1 - split.local, verdict: verdict))
    }
    return steps
  }

  private static let demandMetric = "demand"

  private static func mean(_ values: ArraySlice<Double>) -> Double {
    values.reduce(0, +) / Double(max(1, values.count))
  }

  private static func poisson(_ mean: Double, _ generator: inout SeededGenerator) -> Double {
    let least = exp(-mean)
    var count = 0.0
    var product = 1 - generator.unit()
    while product > least {
      count += 1
      product *= 1 - generator.unit()
    }
    return count
  }
}
