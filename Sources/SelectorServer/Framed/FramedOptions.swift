import Daemon
package import Selection

/// What can be set in a ``FramedServer``.
package struct FramedOptions: Hashable, Sendable {
  /// Threads that serve connections; each connection stays with one.
  package var threads: Int
  /// The longest message that is read, in bytes. Answers may be longer: a watched service is one message.
  package var longestMessage: Int
  /// Connections at a time; beyond, of whoever holds most the one that is idle for longest makes room.
  package var mostConnections: Int
  /// Connections of one peer: a user of this machine, or a host; half of all where it is not said.
  package var mostConnectionsOfPeer: Int?
  /// Bytes that all connections hold of what came and is not answered, and of answers that are not read.
  package var mostHeldBytes = 256 << 20
  /// The same of one peer.
  package var mostHeldBytesOfPeer = 128 << 20
  /// How long a message may take to come in, once it has begun.
  package var messageTimeout = Duration.seconds(10)
  /// How long a peer may read nothing of what is there for it.
  package var writeTimeout = Duration.seconds(30)
  /// How long a connection may be without a message, unless it watches something.
  package var idleTimeout = Duration.seconds(3600)
  /// Picks of one connection that are not complete; more are refused.
  package var mostOpenPicks: Int
  /// Watches of one connection.
  package var mostWatches: Int
  /// Answers that a peer did not read, in bytes, from which on nothing more is read from it.
  package var mostUnreadOutput: Int
  /// For how long a peer may still take what it is owed after the shutdown.
  package var shutdownLimit: Duration
  /// Permissions of a socket in the file system, as `0o660`; nil for those that the process gives by itself.
  package var socketMode: UInt32?
  /// Who may do what.
  package var access: AccessPolicy

  /// Makes options.
  package init(
    threads: Int = FramedOptions.defaultThreads, longestMessage: Int = 64 << 10, mostConnections: Int = 10_000,
    mostOpenPicks: Int = 100_000, mostWatches: Int = 16, mostUnreadOutput: Int = 1 << 20,
    shutdownLimit: Duration = .seconds(5), socketMode: UInt32? = nil,
    access: AccessPolicy = AccessPolicy()
  ) {
    self.threads = threads
    self.longestMessage = longestMessage
    self.mostConnections = mostConnections
    self.mostOpenPicks = mostOpenPicks
    self.mostWatches = mostWatches
    self.mostUnreadOutput = mostUnreadOutput
    self.shutdownLimit = shutdownLimit
    self.socketMode = socketMode
    self.access = access
  }
}

extension FramedOptions {
  /// Who may hold which connections, for a server that shares that with no other.
  func ledger() -> ConnectionLedger {
    let most = Descriptors.connections(atMost: mostConnections)
    return ConnectionLedger(
      ConnectionLedger.Limits(total: most, perPeer: mostConnectionsOfPeer ?? (most + 1) / 2))
  }
}
