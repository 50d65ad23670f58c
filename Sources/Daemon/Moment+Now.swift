import CNIOLinux
package import Model

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

extension Moment {
  /// Now, on the clock that counts from when the machine started and never runs backwards.
  ///
  /// Decisions take the time as an argument; this is for those who call them.
  package static var now: Moment {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    // fits: both are of 64 bits at most.
    return Moment(nanoseconds: Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec))
  }
}
