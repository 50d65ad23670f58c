import Daemon
import HummingbirdCore
import Logging
import NIOCore

/// Does all of a connection's work on its event loop: answering a scheduler takes less time than handing its call to
/// another thread and back would. Connections come through a gate.
struct EventLoopChannel<Base: ServerChildChannel>: ServerChildChannel {
  private let base: Base
  private let gate: ConnectionGate

  init(_ base: Base, _ gate: ConnectionGate) {
    self.base = base
    self.gate = gate
  }

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Base.Value> {
    channel.eventLoop.makeCompletedFuture { try gate.admit(channel) }.flatMap { _ in
      base.setup(channel: channel, logger: logger)
    }
  }

  func handle(value: Base.Value, logger: Logger) async {
    await withTaskExecutorPreference(EventLoopExecutor(value.channel.eventLoop)) {
      await base.handle(value: value, logger: logger)
    }
  }
}

/// Runs tasks on an event loop.
private final class EventLoopExecutor: TaskExecutor {
  private let eventLoop: any EventLoop

  init(_ eventLoop: any EventLoop) {
    self.eventLoop = eventLoop
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    eventLoop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}
