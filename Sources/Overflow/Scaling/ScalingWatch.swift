public import Model

/// Tells whether the overflow of a service ends by itself because its autoscaler adds pods, or goes on for ever.
///
/// What stays is what the pods that are ready are trusted with. An autoscaler that scales by what reaches the pods sees that
/// and no more: where its threshold lies above, it never adds a pod, and the load goes next door for good though there could
/// be pods for it here. One that scales by the demand before overflow adds them, and overflow bridges the time until they
/// are ready.
public struct ScalingWatch: Hashable, Sendable {
  /// How overflow and the autoscaler go together.
  public enum Verdict: Hashable, Sendable {
    /// There is no overflow.
    case fits
    /// Pods are on their way, or may be; until then the rest goes next door.
    case bridges
    /// There are as many pods as there may be: what is too much goes next door.
    case atMost
    /// More pods do not raise the capacity, which is the same for any number of them.
    case fixedCapacity
    /// The autoscaler's figure stays within its target at all that overflow lets through; nil for a figure that nobody
    /// names.
    case neverScales(Autoscaler.Metric?)
  }

  /// For how long an autoscaler that sees too little is given time, in seconds: it looks every 15, at figures of the last
  /// minute.
  private static let patience = 90.0

  /// Since when requests overflow and no pod is asked for.
  private var idleSince: Moment?

  /// Begins to watch.
  public init() {}

  /// Learns how things are.
  ///
  /// - Parameters:
  ///   - autoscaler: the service's autoscaler.
  ///   - capacity: what the service bears.
  ///   - overflows: whether requests go next door, or find no room.
  ///   - isDemandMetric: whether a figure of a name is the demand before overflow.
  public mutating func step(
    _ autoscaler: Autoscaler, _ capacity: Capacity, overflows: Bool, isDemandMetric: (String) -> Bool, at now: Moment
  ) -> Verdict {
    guard overflows else {
      idleSince = nil
      return .fits
    }
    guard autoscaler.current < autoscaler.most else {
      idleSince = nil
      return .atMost
    }
    guard case .perPod(let perPod) = capacity else { return .fixedCapacity }
    // By the demand: what each pod is to get must not be more than it bears.
    if autoscaler.metrics.count == 1, let metric = autoscaler.metrics.first, metric.isPerPod,
      isDemandMetric(metric.name), metric.target > perPod
    {
      return .neverScales(metric)
    }
    guard autoscaler.desired <= autoscaler.current, autoscaler.wanted() <= autoscaler.current else {
      idleSince = nil
      return .bridges
    }
    let since = idleSince ?? now
    idleSince = since
    guard now.seconds(since: since) >= Self.patience else { return .bridges }
    return .neverScales(autoscaler.metrics.max { Self.load($0) < Self.load($1) })
  }

  /// How much of its target a figure is.
  private static func load(_ metric: Autoscaler.Metric) -> Double {
    metric.target > 0 ? (metric.current ?? 0) / metric.target : 0
  }
}
