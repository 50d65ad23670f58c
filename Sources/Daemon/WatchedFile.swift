package import Formats
package import Logging
import Synchronization

/// A file that is read again whenever it has changed. One that cannot be read does not replace what could.
package final class WatchedFile: Sendable {
  private struct State {
    var stamp: FileStamp?
    var fault: String?
  }

  private let path: String
  /// What is in it: "replicas".
  private let content: String
  private let logger: Logger
  private let load: @Sendable (InputFile) throws -> Void
  private let state = Mutex(State())
  /// It is read once at a time: whoever comes later would else tell of what was in it before.
  private let reading = Mutex(())

  /// Reads the file for the first time, which must succeed.
  ///
  /// Throws what `load` throws.
  package init(
    _ path: String, content: String, logger: Logger, load: @escaping @Sendable (InputFile) throws -> Void
  ) throws {
    self.path = path
    self.content = content
    self.logger = logger
    self.load = load
    let stamp = FileStamp(path: path)
    try load(InputFile(path))
    state.withLock { $0.stamp = stamp }
  }

  /// Reads the file whenever it has changed.
  package func run() async {
    await repeating(every: .seconds(1)) { self.reload() }
  }

  /// How the file stands.
  package func report() -> HealthReport {
    state.withLock { HealthReport(name: "\(content) file", isReady: true, fault: $0.fault) }
  }

  /// Reads the file where it has changed since it was read, or in any case. Waits for whoever does so already.
  package func reload(always: Bool = false) {
    reading.withLock { _ in read(always: always) }
  }

  private func read(always: Bool) {
    let stamp = FileStamp(path: path)
    guard always || stamp != state.withLock({ $0.stamp }) else { return }
    do {
      try load(InputFile(path))
      state.withLock { $0 = State(stamp: stamp) }
    } catch {
      state.withLock { $0 = State(stamp: stamp, fault: "\(error)") }
      logger.error(
        "A file cannot be read; what was in it before stays", metadata: ["file": "\(path)", "error": "\(error)"])
    }
  }
}
