public import Dispatching
import Files
public import Logging
public import Monitoring
import OverflowPolicies
import Selection
public import ServiceLifecycle
import Synchronization

/// Keeps a dispatcher's policies of overflow as a file has them. A file that cannot be read does not replace one that could.
public final class OverflowFile: Service, HealthSource {
  private struct State {
    var stamp: FileStamp?
    var fault: String?
  }

  private let path: String
  private let cluster: String
  private let dispatcher: Dispatcher
  private let logger: Logger
  private let state = Mutex(State())

  /// Reads the file for the first time, which must succeed.
  ///
  /// - Parameter cluster: the name of the own cluster.
  ///
  /// Throws `FileError`.
  public init(_ path: String, cluster: String, _ dispatcher: Dispatcher, logger: Logger) throws {
    self.path = path
    self.cluster = cluster
    self.dispatcher = dispatcher
    self.logger = logger
    let stamp = FileStamp(path: path)
    try load()
    state.withLock { $0.stamp = stamp }
  }

  /// Reads the file whenever it has changed.
  public func run() async throws {
    await repeating(every: .seconds(1)) { self.reload() }
  }

  /// How the file stands.
  public func report() -> HealthReport {
    state.withLock { HealthReport(name: "overflow file", isReady: true, fault: $0.fault) }
  }

  /// Reads the file where it has changed since it was read.
  func reload() {
    let stamp = FileStamp(path: path)
    guard stamp != state.withLock({ $0.stamp }) else { return }
    do {
      try load()
      state.withLock { $0 = State(stamp: stamp) }
    } catch {
      state.withLock { $0 = State(stamp: stamp, fault: "\(error)") }
      logger.error("The policies of overflow cannot be read; those before stay", metadata: ["error": "\(error)"])
    }
  }

  private func load() throws {
    let policies = try OverflowPolicy.read(InputFile(path))
    let overflows = ServiceOverflow.all(policies, cluster: cluster)
    dispatcher.set(overflows, at: .now)
    logger.notice(
      "The policies of overflow are read",
      metadata: ["file": "\(path)", "policies": "\(policies.count)", "per request": "\(overflows.count)"])
  }
}
