public import Model

/// An answer: the replica that gets a request. To be given back to ``ReplicaSelector/complete(_:_:latencySeconds:servedBy:at:)`` once.
public struct Pick: Hashable, Sendable {
  /// The replica.
  public var replica: ReplicaID
  /// How far it is from where the request came from.
  public var tier: Tier
  /// Whether no replica was fit to take it, and this one was picked all the same.
  public var isPanic: Bool
  /// When it was picked. Latency counts from here.
  public var dispatched: Moment
  /// When its response began, which goes on; nil where that is not known, or was its end.
  public var responded: Moment?

  init(replica: ReplicaID, tier: Tier, isPanic: Bool, dispatched: Moment) {
    self.replica = replica
    self.tier = tier
    self.isPanic = isPanic
    self.dispatched = dispatched
  }
}
