import CoreMetrics
package import Daemon
import Formats
import Foundation
import Logging
import Planner
import ServiceLifecycle
import Synchronization

/// Keeps a webhook's plan as a file has it. A file that cannot be read does not replace a plan that could.
package final class PlanFile: Service, HealthSource, Reloading {
  private struct State {
    var stamp: FileStamp?
    var isLoaded = false
    var fault: String?
  }

  private let path: String
  private let webhook: SchedulerWebhook
  private let state = Mutex(State())
  /// It is read once at a time: whoever comes later would else tell of what was in it before.
  private let reading = Mutex(())

  /// Reads the file for the first time, which must succeed.
  ///
  /// Throws `FileError` or `PlanningError`.
  package init(_ path: String, _ webhook: SchedulerWebhook) throws {
    self.path = path
    self.webhook = webhook
    let stamp = FileStamp(path: path)
    try load()
    state.withLock { $0 = State(stamp: stamp, isLoaded: true) }
  }

  /// Reads the file whenever it has changed.
  package func run() async throws {
    await everySecond { self.reloadChanged() }
  }

  /// How the plan stands.
  package func report() -> HealthReport {
    state.withLock { HealthReport(name: "plan", isReady: $0.isLoaded, fault: $0.fault) }
  }

  /// Reads the file again.
  package func reload() { reading.withLock { _ in reload(FileStamp(path: path)) } }

  /// Reads the file where it has changed since it was read.
  func reloadChanged() {
    reading.withLock { _ in
      let stamp = FileStamp(path: path)
      if stamp != state.withLock({ $0.stamp }) { reload(stamp) }
    }
  }

  private func reload(_ stamp: FileStamp?) {
    do {
      try load()
      state.withLock { $0 = State(stamp: stamp, isLoaded: true) }
    } catch {
      state.withLock { state in
        state.stamp = stamp
        state.fault = "\(error)"
      }
      webhook.metrics.planFailures.increment()
      webhook.logger.error("The plan cannot be read; the one before stays", metadata: ["error": "\(error)"])
    }
  }

  private func load() throws {
    let plan = try PlacementPlan(Data(InputFile(path).readAll()), file: path)
    let summary = webhook.update { state in
      state.set(plan: plan)
      return state.summary
    }
    webhook.metrics.planReloads.increment()
    webhook.logger.notice(
      "The plan is read",
      metadata: ["file": "\(path)", "workloads": "\(summary.workloads)", "replicas": "\(summary.replicas)"])
  }
}
