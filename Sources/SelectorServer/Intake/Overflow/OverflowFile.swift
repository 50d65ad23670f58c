package import Daemon
import Fleet
package import Logging
import Overflow
package import Selection
import ServiceLifecycle

/// Keeps a dispatcher's policies of overflow as a file has them. A file that cannot be read does not replace one that could.
package final class OverflowFile: Service, HealthSource, Reloading {
  private let file: WatchedFile

  /// Reads the file for the first time, which must succeed.
  ///
  /// - Parameter cluster: the name of the own cluster.
  ///
  /// Throws `FileError`.
  package init(_ path: String, cluster: String, _ dispatcher: Dispatcher, logger: Logger) throws {
    file = try WatchedFile(path, content: "overflow", logger: logger) { file in
      let policies = try OverflowPolicy.read(file)
      let overflows = ServiceOverflow.all(policies, cluster: cluster)
      dispatcher.set(overflows, at: .now)
      logger.notice(
        "The policies of overflow are read",
        metadata: ["file": "\(path)", "policies": "\(policies.count)", "per request": "\(overflows.count)"])
    }
  }

  /// Reads the file whenever it has changed.
  package func run() async throws { await file.run() }

  /// How the file stands.
  package func report() -> HealthReport { file.report() }

  /// Reads the file again.
  package func reload() { file.reload(always: true) }
}
