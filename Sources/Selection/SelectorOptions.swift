/// What can be set in a ``ReplicaSelector``, whatever its policy.
public struct SelectorOptions: Hashable, Sendable {
  /// When replicas that fail get a rest.
  public var ejection: EjectionOptions
  /// When requests leave their tier.
  public var spill: SpillOptions
  /// How long a replica that comes to others is warming up; zero leaves it out.
  public var slowStart: Duration
  /// How fast what a replica or a neighbour said of its load is forgotten: a time constant.
  public var reportLifetime: Duration
  /// How much more than its share, at most, a replica has in flight before requests with a key go on to the next; at
  /// least 1.
  public var affinityBound: Double

  /// Makes options.
  public init(
    ejection: EjectionOptions = EjectionOptions(), spill: SpillOptions = SpillOptions(),
    slowStart: Duration = .seconds(10), reportLifetime: Duration = .seconds(1), affinityBound: Double = 1.25
  ) {
    self.ejection = ejection
    self.spill = spill
    self.slowStart = slowStart
    self.reportLifetime = reportLifetime
    self.affinityBound = affinityBound
  }
}
