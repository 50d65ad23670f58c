/// What a ``FramedServer`` did since it started.
public struct FramedStatistics: Hashable, Sendable {
  /// Connections that are open.
  public var openConnections = 0
  /// Connections that were taken.
  public var connections: UInt64 = 0
  /// Connections that made room for others.
  public var evicted: UInt64 = 0
  /// Connections that were not let in, as there were too many and all were at work.
  public var refusedConnections: UInt64 = 0
  /// Connections that were closed because they did nothing, or took too long to send or to read.
  public var timedOut: UInt64 = 0
  /// Connections that were closed because they, or their peer, held too many bytes.
  public var overfull: UInt64 = 0
  /// Connections that were closed because what they sent is not the protocol.
  public var malformed: UInt64 = 0
  /// Messages that were read and answered.
  public var frames: UInt64 = 0
  /// Picks among them.
  public var picks: UInt64 = 0
  /// Bytes that were read.
  public var bytesRead: UInt64 = 0
  /// Bytes that were written.
  public var bytesWritten: UInt64 = 0
  /// What decisions took, one in ``DecisionTimes/sampling``.
  public var decisions = DecisionTimes()

  /// No connections.
  public init() {}

  /// Adds what another server did.
  public mutating func add(_ other: FramedStatistics) {
    openConnections += other.openConnections
    connections &+= other.connections
    refusedConnections &+= other.refusedConnections
    malformed &+= other.malformed
    evicted &+= other.evicted
    timedOut &+= other.timedOut
    overfull &+= other.overfull
    frames &+= other.frames
    picks &+= other.picks
    bytesRead &+= other.bytesRead
    bytesWritten &+= other.bytesWritten
    decisions.add(other.decisions)
  }
}
