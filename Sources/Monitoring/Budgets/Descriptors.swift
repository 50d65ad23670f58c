#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The file descriptors of the process.
public enum Descriptors {
  /// What is kept for files, clients of the API server, and probes.
  private static let reserve = 64

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
    return max(8, min(wanted, descriptors - min(reserve, descriptors / 4) - descriptors / 8))
  }

  #if canImport(Glibc)
    private static var resource: __rlimit_resource_t { __rlimit_resource_t(RLIMIT_NOFILE.rawValue) }
  #else
    private static var resource: Int32 { RLIMIT_NOFILE }
  #endif
}
