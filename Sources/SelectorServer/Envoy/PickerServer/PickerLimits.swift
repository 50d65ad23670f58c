package import Daemon

/// What peers of a ``PickerServer`` may hold.
package struct PickerLimits: Sendable {
  /// Requests that are under way, each on a stream.
  package let streams: Budget
  /// Bytes of messages that have not come in whole, and of answers that are not taken.
  package let bytes: Budget
  /// Connections.
  package let connections: ConnectionLedger
  /// The longest head of a call, in bytes as HTTP/2 counts them.
  package var longestHead = 32 << 10
  /// Answers that a stream's peer has not taken, in bytes, from which on it may send no more on it.
  package var mostUnsent = 256 << 10
  /// Bytes that the streams of one connection hold.
  package var mostHeldByConnection = 16 << 20
  /// How many streams may be reset before they were answered: so many at once, and each second.
  package var resets = (burst: 2000.0, perSecond: 200.0)
  /// How long a peer may take to say that it speaks HTTP/2.
  package var handshake = Duration.seconds(10)
  /// How long a peer may take none of the bytes that are there for it.
  package var write = Duration.seconds(15)
  /// After what time without a word a peer with requests under way is asked whether it is there; it has as long to answer.
  package var silence = Duration.seconds(30)

  /// Makes limits.
  package init(
    streams: Budget = Budget("picker_streams", total: 100_000, perPeer: 50_000),
    bytes: Budget = Budget("picker_bytes", total: 128 << 20, perPeer: 64 << 20),
    connections: ConnectionLedger = ConnectionLedger(
      ConnectionLedger.Limits(total: Descriptors.connections(atMost: 4096), perPeer: 2048))
  ) {
    self.streams = streams
    self.bytes = bytes
    self.connections = connections
  }
}
