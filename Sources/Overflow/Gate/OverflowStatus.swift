/// How it stands with the requests of a service that are too many for the own cluster. Counts are of this selector and
/// since the service was made, rates are requests per minute.
package struct OverflowStatus: Hashable, Sendable {
  /// How it stands with another cluster.
  package struct Neighbour: Hashable, Sendable {
    /// The cluster's name.
    package var name: String
    /// Requests that were sent there.
    package var sent: UInt64
    /// The rate at which requests were sent there in the last second.
    package var sentPerMinute: Double
    /// What it says it has room for; nil where it says nothing, or said it too long ago.
    package var headroomPerMinute: Double?
    /// What this selector sends there at most.
    package var roomPerMinute: Double
    /// Whether it gets nothing since it failed.
    package var isDown: Bool
  }

  /// The own cluster.
  package var cluster: String
  /// Whether it is only counted what would be done.
  package var isDryRun: Bool
  /// Requests that came, before any were sent on.
  package var arrivals: UInt64
  /// Those of them that another cluster had sent.
  package var received: UInt64
  /// Requests that were turned away as nobody had room.
  package var shed: UInt64
  /// What comes to the own cluster, all selectors together.
  package var demandPerMinute: Double
  /// What of that other clusters send.
  package var receivedPerMinute: Double
  /// What the service bears in the own cluster now, all selectors together.
  package var capacityPerMinute: Double
  /// What this selector lets in.
  package var admittedPerMinute: Double
  /// The other clusters.
  package var neighbours: [Neighbour]

  /// What the own cluster has room for; below 0 where more comes than it bears.
  package var headroomPerMinute: Double { capacityPerMinute - demandPerMinute }
}
