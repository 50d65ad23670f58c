import CCurl
import Foundation
import Synchronization

/// The thread that curl runs on. Everything that may block or take long happens here; others hand in commands and are
/// called back.
final class CurlLoop: Sendable {
  /// What the thread is to do.
  enum Command {
    case start(Transfer)
    case cancel(Transfer)
    /// Go on with a transfer that was paused.
    case resume(Transfer)
  }

  private struct Inbox {
    var commands: [Command] = []
    var isClosed = false
    /// The multi handle is there, and may be woken.
    var isRunning = true
  }

  private let inbox = Mutex(Inbox())
  private let multi: CurlMulti

  /// Starts the thread. It ends after ``close()``.
  init() {
    multi = CurlMulti()
    let thread = Thread { [self] in run() }
    thread.name = "curl"
    thread.start()
  }

  /// Hands in a command.
  func submit(_ command: Command) {
    let isAccepted = inbox.withLock { inbox in
      guard !inbox.isClosed else { return false }
      inbox.commands.append(command)
      multi.wake()
      return true
    }
    if !isAccepted, case .start(let transfer) = command { transfer.finish(.failure(Self.closed)) }
  }

  /// Ends the thread. Transfers that are under way fail.
  func close() {
    inbox.withLock { inbox in
      inbox.isClosed = true
      // The handle is freed only after `isRunning` has become false, which needs this lock.
      if inbox.isRunning { multi.wake() }
    }
  }

  private static var closed: TransportError {
    TransportError(code: .closed, message: "the transport is closed", mayHaveReachedServer: true)
  }

  private func run() {
    tonari_curl_block_signals()
    let worker = CurlWorker(multi)
    while true {
      let (commands, isClosed) = inbox.withLock { inbox in
        defer { inbox.commands = [] }
        return (inbox.commands, inbox.isClosed)
      }
      for command in commands { worker.handle(command) }
      if isClosed { break }
      worker.turn()
    }
    worker.failAll(Self.closed)
    inbox.withLock { $0.isRunning = false }
    multi.free()
  }
}

/// curl's multi handle.
///
/// Unchecked, because only the curl thread uses it, but for ``wake()``, which curl allows from any thread.
struct CurlMulti: @unchecked Sendable {
  /// curl's own set-up, once for the process.
  private static let isInitialized = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

  let handle: UnsafeMutableRawPointer?

  init() {
    handle = Self.isInitialized ? curl_multi_init() : nil
  }

  func wake() { curl_multi_wakeup(handle) }

  func free() { curl_multi_cleanup(handle) }
}
