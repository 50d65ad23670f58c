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

/// Sees to it that watchers are told by gRPC one after the other, and take a part of the machine's time alone: a message is
/// little work, but one for each watcher and service is more than a server has time for beside its picks.
final class WatchPace: Sendable {
  /// The time that is set aside for a message.
  private static let message = Duration.microseconds(200)
  /// For how many times as long as it took to write nothing more is written.
  private static let rest = 4

  private let next = Mutex(ContinuousClock.now)

  /// Takes a turn for some messages. Answers how long it is until then.
  func turn(for messages: Int) -> Duration {
    guard messages > 0 else { return .zero }
    return next.withLock { next in
      let begin = max(next, .now)
      next = begin + Self.message * messages
      return max(.zero, ContinuousClock.now.duration(to: begin))
    }
  }

  /// Puts later turns off by what this one took: on a slow or busy machine there is less of them.
  func took(_ duration: Duration) {
    next.withLock { $0 = max($0, ContinuousClock.now + duration * Self.rest) }
  }
}
