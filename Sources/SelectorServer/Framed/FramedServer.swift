package import Daemon
import Foundation
import Glibc
package import Logging
package import Selection
import ServiceLifecycle

/// Serves framed connections, on sockets in the file system and on ports, by threads of its own.
///
/// Each connection belongs to one thread. What arrives together is answered together, so that a pipelining peer costs few
/// system calls. A peer that sends what is not the protocol, or does not read its answers, harms itself alone.
package final class FramedServer: Service {
  private let dispatcher: Dispatcher
  private let addresses: [FramedAddress]
  private let options: FramedOptions
  private let logger: Logger
  private let onListening: @Sendable ([FramedAddress]) -> Void
  private let mailboxes: [LoopMailbox]
  private let shared: FramedShared

  /// Makes a server that does not listen yet.
  ///
  /// - Parameters:
  ///   - dispatcher: decides.
  ///   - addresses: where to listen.
  ///   - options: bounds and threads.
  ///   - board: what watchers are told; nil for one of its own.
  ///   - ledger: who holds which connections, where other servers share it; nil for what the options say.
  ///   - logger: is told of connections that are closed because of what they sent, at most once a second and thread.
  ///   - onListening: is called once all addresses are listened on, with the ports that were free for those asked for as 0.
  /// - Throws: ``FramedError`` where the process has no descriptor left.
  package init(
    _ dispatcher: Dispatcher, addresses: [FramedAddress], options: FramedOptions = FramedOptions(),
    board: WatchBoard? = nil, ledger: ConnectionLedger? = nil,
    logger: Logger = Logger(label: "tonari.selector.framed"),
    onListening: @escaping @Sendable ([FramedAddress]) -> Void = { _ in }
  ) throws(FramedError) {
    self.dispatcher = dispatcher
    self.addresses = addresses
    self.options = options
    self.logger = logger
    self.onListening = onListening
    var mailboxes: [LoopMailbox] = []
    for _ in 0..<max(1, options.threads) { mailboxes.append(try LoopMailbox()) }
    self.mailboxes = mailboxes
    shared = FramedShared(
      ledger: ledger ?? options.ledger(),
      bytes: Budget("framed_bytes", total: options.mostHeldBytes, perPeer: options.mostHeldBytesOfPeer),
      board: board ?? WatchBoard(dispatcher))
  }

  /// Shows in metrics what peers hold, and what was refused.
  package func register(in registry: MetricsRegistry) { registry.watch(shared.bytes, of: "selector") }

  /// What it did since it started; at most a tenth of a second old.
  package var statistics: FramedStatistics {
    mailboxes.reduce(into: FramedStatistics()) { $0.add($1.published) }
  }

  /// Listens and serves until a graceful shutdown or its task is cancelled; answers then what was read, and waits for peers
  /// to take it no longer than ``FramedOptions/shutdownLimit``.
  ///
  /// - Throws: ``FramedError`` where it cannot listen.
  package func run() async throws {
    var listeners: [FramedListener] = []
    defer { for listener in listeners { listener.close() } }
    for address in addresses { listeners.append(try FramedListener(address, mode: options.socketMode)) }
    onListening(listeners.map(\.address))
    let bound = listeners
    try await withTaskCancellationOrGracefulShutdownHandler {
      try await withThrowingTaskGroup(of: Void.self) { group in
        for (index, mailbox) in mailboxes.enumerated() {
          group.addTask { [self] in
            try await serve(mailbox, index == 0 ? bound : [], index)
          }
        }
        defer { endLoops() }
        for try await _ in group {}
      }
    } onCancelOrGracefulShutdown: { [self] in
      endLoops()
    }
  }

  /// Listens on a socket of one pod's own, until its task is cancelled or a graceful shutdown. Its connections are closed
  /// then, what was picked on them and not completed is abandoned, and the file is taken away.
  ///
  /// They are served while ``run()`` runs; until then they wait.
  ///
  /// - Parameters:
  ///   - path: the socket's file.
  ///   - mode: its permissions, as `0o666`.
  ///   - pod: the pod that alone can reach it.
  /// - Throws: ``FramedError`` where it cannot listen.
  package func serve(path: String, mode: UInt32, for pod: NodePod) async throws {
    let listener = try FramedListener(.unix(path), mode: mode, pod: pod)
    mailboxes[0].post { $0.listeners.append(listener) }
    // Ends with the shutdown, or with a cancelled task.
    try? await gracefulShutdown()
    listener.end()
    // At a shutdown the loops end by themselves, with everything that they have.
    guard !Task.isShuttingDownGracefully else { return }
    for mailbox in mailboxes { mailbox.post { $0.ended.append(listener) } }
  }

  private func endLoops() {
    for mailbox in mailboxes { mailbox.post { $0.isEnding = true } }
  }

  /// Runs a loop on a thread of its own.
  private func serve(
    _ mailbox: LoopMailbox, _ listeners: [FramedListener], _ index: Int
  ) async throws {
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
      let thread = Thread { [self] in
        continuation.resume(
          with: Result {
            let loop = try FramedLoop(
              dispatcher, options, mailbox, peers: mailboxes, listeners: listeners, shared: shared, logger: logger)
            loop.run()
          })
      }
      thread.name = "framed-\(index)"
      thread.start()
    }
  }
}

extension FramedOptions {
  /// As many as there are processors, but no more than four.
  package static let defaultThreads = min(4, max(1, Int(clamping: sysconf(Int32(clamping: _SC_NPROCESSORS_ONLN)))))
}
