import Daemon

/// What all loops of a server share.
struct FramedShared: Sendable {
  /// Who holds which connections.
  let ledger: ConnectionLedger
  /// Bytes that connections hold.
  let bytes: Budget
  /// What watchers are told.
  let board: WatchBoard
}
