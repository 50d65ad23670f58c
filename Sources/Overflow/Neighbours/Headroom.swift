public import Model

/// What a cluster says it can take beyond what it has, and for how long that may be believed.
public struct Headroom: Hashable, Sendable {
  /// Requests per minute; below 0 where it has more than it can bear.
  public var perMinute: Double
  /// What it gets from other clusters at present, in requests per minute; nil where it does not say.
  public var receivedPerMinute: Double?
  /// When it was so.
  public var at: Moment
  /// How long it is worth anything.
  public var lifetime: Duration

  /// Makes a headroom.
  public init(perMinute: Double, receivedPerMinute: Double? = nil, at: Moment, lifetime: Duration) {
    self.perMinute = perMinute.isFinite ? perMinute : 0
    self.receivedPerMinute = receivedPerMinute.flatMap { $0.isFinite ? max(0, $0) : nil }
    self.at = at
    self.lifetime = lifetime
  }

  /// The same, and no more than a policy knows the cluster to bear, whatever it says; one that bears so much for each pod may
  /// have any number of them.
  public func capped(by capacity: Capacity?) -> Headroom {
    guard case .perMinute(let most) = capacity else { return self }
    var headroom = self
    headroom.perMinute = min(perMinute, most)
    return headroom
  }

  /// How much of it is believed now, 0…1: all for the first half of its life, then less and less, nothing at its end.
  /// Nothing either where it lies farther in the future than it lives: a clock is wrong.
  public func trust(at now: Moment) -> Double {
    let life = lifetime / .seconds(1)
    guard life > 0 else { return 0 }
    let age = now.seconds(since: at)
    guard age >= -life else { return 0 }
    return min(1, max(0, 2 - 2 * age / life))
  }

  /// Requests per minute that can be counted on now, never below 0.
  public func usable(at now: Moment) -> Double { max(0, perMinute) * trust(at: now) }
}
