/// How it stands with the requests of a service that are too many for the own cluster. Counts are of this selector and
/// since the service was made, rates are requests per minute.
public struct OverflowStatus: Hashable, Sendable {
  /// How it stands with another cluster.
  public struct Neighbour: Hashable, Sendable {
    /// The cluster's name.
    public var name: String
    /// Requests that were sent there.
    public var sent: UInt64
    /// The rate at which requests were sent there in the last second.
    public var sentPerMinute: Double
    /// What it says it has room for; nil where it says nothing, or said it too long ago.
    public var headroomPerMinute: Double?
    /// What this selector sends there at most.
    public var roomPerMinute: Double
    /// Whether it gets nothing since it failed.
    public var isDown: Bool
  }

  /// The own cluster.
  public var cluster: String
  /// Whether it is only counted what would be done.
  public var isDryRun: Bool
  /// Requests that came, before any were sent on.
  public var arrivals: UInt64
  /// Those of them that another cluster had sent.
  public var received: UInt64
  /// Requests that were turned away as nobody had room.
  public var shed: UInt64
  /// What comes to the own cluster, all selectors together.
  public var demandPerMinute: Double
  /// What of that other clusters send.
  public var receivedPerMinute: Double
  /// What the service bears in the own cluster now, all selectors together.
  public var capacityPerMinute: Double
  /// What this selector lets in.
  public var admittedPerMinute: Double
  /// The other clusters.
  public var neighbours: [Neighbour]

  /// What the own cluster has room for; below 0 where more comes than it bears.
  public var headroomPerMinute: Double { capacityPerMinute - demandPerMinute }
}
