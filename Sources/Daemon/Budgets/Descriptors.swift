package import Logging
import NIOCore
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The file descriptors of the process.
package enum Descriptors {
  /// What is kept for files, clients of the API server, and probes.
  private static let reserve = 128

  /// Asks for as many as the process may have, which is more than it has at its start on most systems.
  package static func raise() {
    var limit = rlimit()
    guard getrlimit(resource, &limit) == 0, limit.rlim_cur < limit.rlim_max else { return }
    limit.rlim_cur = min(limit.rlim_max, 1 << 20)
    setrlimit(resource, &limit)
  }

  /// How many connections there may be so that descriptors are left for everything else.
  package static func connections(atMost wanted: Int) -> Int {
    raise()
    var limit = rlimit()
    guard getrlimit(resource, &limit) == 0, limit.rlim_cur < 1 << 30 else { return wanted }
    let descriptors = Int(clamping: limit.rlim_cur)
    return max(8, min(wanted, descriptors - min(reserve, descriptors / 2) - descriptors / 8))
  }

  /// Descriptors that are held to be let go when there are no others: the runtime's own threads end the process where they
  /// cannot open a file.
  private static let spares = Mutex<[Int32]>([])
  private static let mostSpares = 16
  private static let short = Atomic<Bool>(false)

  /// Where it is told that there are none left.
  private struct Log {
    var logger: Logger?
    /// When it was told last; whether that there are some again.
    var told: NIODeadline?
    var isRecovered = true
  }

  private static let log = Mutex(Log())
  /// How often it is told at most: where connections come faster than they go, there are none left again and again.
  private static let logInterval = TimeAmount.seconds(10)

  /// Lets it be told where there are none left.
  package static func log(to logger: Logger) { log.withLock { $0.logger = logger } }

  private static func tell() {
    let logger = log.withLock { log -> Logger? in
      if let told = log.told, .now() - told < logInterval { return nil }
      (log.told, log.isRecovered) = (.now(), false)
      return log.logger
    }
    var limit = rlimit()
    getrlimit(resource, &limit)
    logger?.error(
      "No file descriptor is left: connections wait, and idle ones are closed",
      metadata: ["limit": "\(limit.rlim_cur)", "raise": "ulimit -n, LimitNOFILE"])
  }

  private static func tellRecovery() {
    let logger = log.withLock { log -> Logger? in
      defer { log.isRecovered = true }
      return log.isRecovered ? nil : log.logger
    }
    logger?.notice("There are file descriptors again")
  }

  /// Whether there were none left. Whoever takes connections waits then until ``recover()`` says that there are.
  package static var areShort: Bool { short.load(ordering: .relaxed) }

  /// Lets the spare ones go. To be called where one could not be had.
  package static func yield() {
    tell()
    spares.withLock { spares in
      short.store(true, ordering: .relaxed)
      for descriptor in spares { close(descriptor) }
      spares = []
    }
  }

  /// Holds spare ones again. Answers whether there are enough.
  @discardableResult
  package static func recover() -> Bool {
    let isRecovered = holdSpares()
    if isRecovered { tellRecovery() }
    return isRecovered
  }

  private static func holdSpares() -> Bool {
    spares.withLock { spares in
      while spares.count < mostSpares {
        let descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
          // None for whoever needs the last ones now.
          for descriptor in spares { close(descriptor) }
          spares = []
          short.store(true, ordering: .relaxed)
          return false
        }
        spares.append(descriptor)
      }
      short.store(false, ordering: .relaxed)
      return true
    }
  }

  #if canImport(Glibc)
    private static var resource: __rlimit_resource_t { __rlimit_resource_t(RLIMIT_NOFILE.rawValue) }
  #else
    private static var resource: Int32 { RLIMIT_NOFILE }
  #endif
}
