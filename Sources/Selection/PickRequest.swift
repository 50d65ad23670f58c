/// What is asked of a pick.
public struct PickRequest: Hashable, Sendable {
  /// Where the request comes from.
  public var from: Place
  /// A hash of what ties requests to one replica (a session, a cache key); nil where any replica will do.
  public var key: UInt64?
  /// Replicas that were tried already.
  public var excluded: ExclusionList
  /// Labels that a replica must have, one bit each; see ``Replica/labels``.
  public var labels: UInt64

  /// Makes a request; by default one from nowhere that any replica may answer.
  public init(from: Place = .unknown, key: UInt64? = nil, excluded: ExclusionList = ExclusionList(), labels: UInt64 = 0)
  {
    self.from = from
    self.key = key
    self.excluded = excluded
    self.labels = labels
  }
}
