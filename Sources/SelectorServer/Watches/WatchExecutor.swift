import Dispatch
import NIOCore
import NIOPosix
import Synchronization

/// Runs what is told to watchers by gRPC on a thread of its own, so that however many there are, picks find a thread.
final class WatchExecutor: TaskExecutor {
  private let queue = DispatchQueue(label: "tonari.watchers")

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}

/// Sees to it that watchers are told by gRPC one after the other, and take a part of the machine's time alone: a message is
/// little work, but one for each watcher and service is more than a server has time for beside its picks.
final class WatchPace: Sendable {
  /// The time that is set aside for a message.
  private static let message = Duration.microseconds(200)
  /// For how many times as long as the event loops were busy with a turn nothing more is written.
  private static let rest = 4
  /// After what time the next has its turn though the one before is not done: it does not read its messages.
  private static let longest = Duration.milliseconds(100)

  private struct State {
    /// When the next turn may begin.
    var next = ContinuousClock.now
    /// Whether somebody is about to take it, and who comes after.
    var isTaken = false
    var line: [CheckedContinuation<Void, Never>] = []
  }

  private let state = Mutex(State())

  /// Waits for a turn.
  func turn() async throws {
    await withCheckedContinuation { continuation in
      let isFirst = state.withLock { state in
        guard state.isTaken else {
          state.isTaken = true
          return true
        }
        state.line.append(continuation)
        return false
      }
      if isFirst { continuation.resume() }
    }
    defer {
      let following = state.withLock { state in
        if state.line.isEmpty { state.isTaken = false }
        return state.line.isEmpty ? nil : state.line.removeFirst()
      }
      following?.resume()
    }
    try Task.checkCancellation()
    // What the one before took may have put it off meanwhile.
    while case let wait = ContinuousClock.now.duration(to: state.withLock { $0.next }), wait > .zero {
      try await Task.sleep(for: wait)
    }
    state.withLock { $0.next = .now + Self.longest }
  }

  /// Waits until the event loops, which frame and send what was written and serve everybody else, have done so, and puts
  /// the next turn off by what that took: on a slow or busy machine there is less of them.
  func settle(_ messages: Int) async {
    let begin = ContinuousClock.now
    // Those that gRPC's transport serves on.
    for loop in MultiThreadedEventLoopGroup.singleton.makeIterator() { try? await loop.submit {}.get() }
    let took = begin.duration(to: .now)
    state.withLock { $0.next = .now + max(took * Self.rest, Self.message * messages) }
  }
}
