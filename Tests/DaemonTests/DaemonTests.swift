import Daemon
import Logging
import ServiceLifecycle
import Synchronization
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite("A daemon", .serialized)
struct DaemonTests {
  private struct NoSocket: Error {}

  private struct Failing: Service {
    func run() async throws { throw NoSocket() }
  }

  private struct Waiting: Service {
    func run() async throws { try await gracefulShutdown() }
  }

  private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  @Test("of which one part cannot start ends with its error, whatever the others wait for", .timeLimit(.minutes(1)))
  func failure() async {
    await #expect(throws: NoSocket.self) {
      try await ServiceDaemon(monitoring: nil, [Waiting(), Failing(), Waiting()], logger: logger).run()
    }
  }

  private final class Reader: Service, Reloading {
    let reads = Mutex(0)

    func run() async throws { try await gracefulShutdown() }
    func reload() { reads.withLock { $0 += 1 } }
  }

  @Test("reads again what it was given when its terminal hangs up, and goes on", .timeLimit(.minutes(1)))
  func hangUp() async throws {
    // Whoever has not trapped it yet would end with it. A trap that was laid before stays: it is not laid twice.
    if let trap = signal(SIGHUP, SIG_IGN) { signal(SIGHUP, trap) }
    let reader = Reader()
    let daemon = Task { try await ServiceDaemon(monitoring: nil, [Waiting(), reader], logger: logger).run() }
    for count in 1...2 {
      while reader.reads.withLock({ $0 }) < count {
        kill(getpid(), SIGHUP)
        try await Task.sleep(for: .milliseconds(20))
      }
    }
    daemon.cancel()
    _ = try? await daemon.value
  }

  /// One that waits in its first reading until it is told to go on.
  private final class SlowReader: Service, Reloading {
    let reads = Mutex(0)
    let mayGoOn = Mutex(false)

    func run() async throws { try await gracefulShutdown() }

    func reload() {
      reads.withLock { $0 += 1 }
      while !mayGoOn.withLock({ $0 }) { sched_yield() }
    }
  }

  @Test("reads once more after what it reads, however often its terminal hangs up meanwhile", .timeLimit(.minutes(1)))
  func manyHangUps() async throws {
    if let trap = signal(SIGHUP, SIG_IGN) { signal(SIGHUP, trap) }
    let reader = SlowReader()
    let daemon = Task { try await ServiceDaemon(monitoring: nil, [Waiting(), reader], logger: logger).run() }
    while reader.reads.withLock({ $0 }) < 1 {
      kill(getpid(), SIGHUP)
      try await Task.sleep(for: .milliseconds(20))
    }
    for _ in 0..<50 {
      kill(getpid(), SIGHUP)
      // Two that come at once are one for the system.
      try await Task.sleep(for: .milliseconds(5))
    }
    reader.mayGoOn.withLock { $0 = true }
    while reader.reads.withLock({ $0 }) < 2 { try await Task.sleep(for: .milliseconds(5)) }
    // More would follow at once.
    try await Task.sleep(for: .milliseconds(200))
    #expect((2...5).contains(reader.reads.withLock { $0 }), "\(reader.reads.withLock { $0 })")
    daemon.cancel()
    _ = try? await daemon.value
  }

  @Test("tells once that no descriptor is left, and that there are some again")
  func descriptors() {
    let lines = Mutex<[String]>([])
    Descriptors.log(to: Logger(label: "test") { _ in Lines(lines: { line in lines.withLock { $0.append(line) } }) })
    for _ in 0..<3 {
      Descriptors.yield()
      Descriptors.recover()
    }
    Descriptors.log(to: logger)
    #expect(
      lines.withLock { $0 }.prefix(2) == [
        "error: No file descriptor is left: connections wait, and idle ones are closed",
        "notice: There are file descriptors again",
      ])
    #expect(lines.withLock { $0 }.count == 2)
  }

  private struct Lines: LogHandler {
    let lines: @Sendable (String) -> Void
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    init(lines: @escaping @Sendable (String) -> Void) { self.lines = lines }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(
      level: Logger.Level, message: Logger.Message, metadata: Logger.Metadata?, source: String, file: String,
      function: String, line: UInt
    ) { lines("\(level): \(message)") }
  }
}
