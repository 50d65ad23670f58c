import Dispatch
import Synchronization

/// Runs what is told to watchers by gRPC on a thread of its own, so that however many there are, picks find a thread.
final class WatchExecutor: TaskExecutor {
  private let queue = DispatchQueue(label: "tonari.watchers")

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}

/// How much is told to all watchers by gRPC together: a message is little work, but one for each watcher, service and
/// connection is more than a server has time for beside its picks.
final class WatchPace: Sendable {
  /// The time that is allowed for a message.
  private static let message = Duration.microseconds(200)

  private let next = Mutex(ContinuousClock.now)

  /// How long to wait after some messages, until others had their turn.
  func turn(after messages: Int) -> Duration {
    next.withLock { next in
      let now = ContinuousClock.now
      next = max(next, now) + Self.message * messages
      return now.duration(to: next)
    }
  }
}
