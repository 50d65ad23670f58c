/// What can be set in a ``FramedServer``.
public struct FramedOptions: Hashable, Sendable {
  /// Threads that serve connections; each connection stays with one.
  public var threads: Int
  /// The longest message that is read, in bytes. Answers may be longer: a watched service is one message.
  public var longestMessage: Int
  /// Connections at a time; more are closed at once.
  public var mostConnections: Int
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

  /// Makes options.
  public init(
    threads: Int = FramedOptions.defaultThreads, longestMessage: Int = 64 << 10, mostConnections: Int = 10_000,
    mostOpenPicks: Int = 100_000, mostWatches: Int = 256, mostUnreadOutput: Int = 1 << 20,
    shutdownLimit: Duration = .seconds(5), socketMode: UInt32? = nil
  ) {
    self.threads = threads
    self.longestMessage = longestMessage
    self.mostConnections = mostConnections
    self.mostOpenPicks = mostOpenPicks
    self.mostWatches = mostWatches
    self.mostUnreadOutput = mostUnreadOutput
    self.shutdownLimit = shutdownLimit
    self.socketMode = socketMode
  }
}
