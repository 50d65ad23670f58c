import Model

/// An edge with a few pods, a neighbour like it that has nothing else to do, and a rush at the edge.
public struct OverflowWorld: Hashable, Sendable {
  /// Pods in each of the two clusters. A cluster's requests go to its pods in turns.
  public var pods = 3
  /// How a pod works.
  public var pod = PodModel()
  /// What the way to the neighbour and back takes, in seconds.
  public var hopSeconds = 0.02
  /// What a cluster bears for long, in requests per minute.
  public var capacityPerMinute = 540.0
  /// What is asked of the edge.
  public var demand: DemandCurve

  /// Makes a world; by default the experiment's.
  public init(demand: DemandCurve = .ramp) {
    self.demand = demand
  }

  /// Plays a rush with a policy. The same arguments give the same result on every machine; what arrives hangs on the
  /// seed alone.
  public func run(_ policy: SimulatedOverflow, seed: Int) -> OverflowRun {
    let base = UInt64(truncatingIfNeeded: seed) &* 1_000_003
    let random = base &+ 41
    switch policy {
    case .baseline: return play(NoOverflow(), seed: base)
    case .rpmMax540: return play(MeasuredWeights(limit: 540, seed: random), seed: base)
    case .rpmMax390: return play(MeasuredWeights(limit: 390, seed: random), seed: base)
    case .headroom:
      return play(MeasuredWeights(limit: 390, heedsHeadroom: true, seed: random), seed: base)
    case .perRequest: return play(OverflowByRequest(capacity: capacityPerMinute, isBlind: true), seed: base)
    case .weights1s:
      return play(GovernedWeights(capacity: capacityPerMinute, isBlind: true, seed: random), seed: base)
    case .tonariWeights:
      return play(GovernedWeights(capacity: capacityPerMinute, isBlind: false, seed: random), seed: base)
    case .tonari: return play(OverflowByRequest(capacity: capacityPerMinute, isBlind: false), seed: base)
    }
  }

  private func play<Router: OverflowRouter>(_ router: Router, seed: UInt64) -> OverflowRun {
    var play = OverflowPlay(self, router, seed: seed)
    return play.run()
  }
}
