/// What a ``FramedServer`` did since it started.
package struct FramedStatistics: Hashable, Sendable {
  /// Connections that are open.
  package var openConnections = 0
  /// Connections that were taken.
  package var connections: UInt64 = 0
  /// Connections that made room for others.
  package var evicted: UInt64 = 0
  /// Connections that were not let in, as there were too many and all were at work.
  package var refusedConnections: UInt64 = 0
  /// Connections that were closed because they did nothing, or took too long to send or to read.
  package var timedOut: UInt64 = 0
  /// Connections that were closed because they, or their peer, held too many bytes.
  package var overfull: UInt64 = 0
  /// Connections that were closed because what they sent is not the protocol.
  package var malformed: UInt64 = 0
  /// Messages that were read and answered.
  package var frames: UInt64 = 0
  /// Picks among them.
  package var picks: UInt64 = 0
  /// Bytes that were read.
  package var bytesRead: UInt64 = 0
  /// Bytes that were written.
  package var bytesWritten: UInt64 = 0
  /// What decisions took, one in ``DecisionTimes/sampling``.
  package var decisions = DecisionTimes()

  /// No connections.
  package init() {}

  /// Adds what another server did.
  package mutating func add(_ other: FramedStatistics) {
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
