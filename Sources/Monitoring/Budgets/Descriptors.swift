import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The file descriptors of the process.
public enum Descriptors {
  /// What is kept for files, clients of the API server, and probes.
  private static let reserve = 128

  /// Asks for as many as the process may have, which is more than it has at its start on most systems.
  public static func raise() {
    var limit = rlimit()
    guard getrlimit(resource, &limit) == 0, limit.rlim_cur < limit.rlim_max else { return }
    limit.rlim_cur = min(limit.rlim_max, 1 << 20)
    setrlimit(resource, &limit)
  }

  /// How many connections there may be so that descriptors are left for everything else.
  public static func connections(atMost wanted: Int) -> Int {
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

  /// Whether there were none left. Whoever takes connections waits then until ``recover()`` says that there are.
  public static var areShort: Bool { short.load(ordering: .relaxed) }

  /// Lets the spare ones go. To be called where one could not be had.
  public static func yield() {
    spares.withLock { spares in
      short.store(true, ordering: .relaxed)
      for descriptor in spares { close(descriptor) }
      spares = []
    }
  }

  /// Holds spare ones again. Answers whether there are enough.
  @discardableResult
  public static func recover() -> Bool {
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
