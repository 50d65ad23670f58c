public import Dispatching
import Monitoring

/// What can be set in a ``FramedServer``.
public struct FramedOptions: Hashable, Sendable {
  /// Threads that serve connections; each connection stays with one.
  public var threads: Int
  /// The longest message that is read, in bytes. Answers may be longer: a watched service is one message.
  public var longestMessage: Int
  /// Connections at a time; beyond, of whoever holds most the one that is idle for longest makes room.
  public var mostConnections: Int
  /// Connections of one peer: a user of this machine, or a host; half of all where it is not said.
  public var mostConnectionsOfPeer: Int?
  /// Bytes that all connections hold of what came and is not answered, and of answers that are not read.
  public var mostHeldBytes = 256 << 20
  /// The same of one peer.
  public var mostHeldBytesOfPeer = 128 << 20
  /// How long a message may take to come in, once it has begun.
  public var messageTimeout = Duration.seconds(10)
  /// How long a peer may read nothing of what is there for it.
  public var writeTimeout = Duration.seconds(30)
  /// How long a connection may be without a message, unless it watches something.
  public var idleTimeout = Duration.seconds(3600)
  /// Picks of one connection that are not complete; more are refused.
  public var mostOpenPicks: Int
  /// Watches of one connection.
  public var mostWatches: Int
  /// Answers that a peer did not read, in bytes, from which on nothing more is read from it.
  public var mostUnreadOutput: Int
  /// For how long a peer may still take what it is owed after the shutdown.
  public var shutdownLimit: Duration
  /// Permissions of a socket in the file system, as `0o660`; nil for those that the process gives by itself.
  public var socketMode: UInt32?
  /// Who may do what.
  public var access: AccessPolicy

  /// Makes options.
  public init(
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
