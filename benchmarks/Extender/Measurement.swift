#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// How much time of its processor repeated work took each time, on one thread. What others on the machine take from it
/// does not count.
struct Measurement {
  private var seconds: [Double] = []

  /// Runs `work` again and again for so long.
  init(for limit: Duration, _ work: (Int) throws -> Int) rethrows {
    let start = ContinuousClock.now
    var size = 0
    for round in 0... {
      let before = Self.processorTime
      size &+= try work(round)
      seconds.append(Self.processorTime - before)
      if start.duration(to: .now) > limit, round >= 9 { break }
    }
    // Work whose outcome nobody looks at may be left out by the compiler.
    precondition(size != 0)
    seconds.sort()
  }

  /// The processor's time that this thread has had, in seconds.
  private static var processorTime: Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  /// How often it ran in a second.
  var rate: Double { Double(seconds.count) / seconds.reduce(0, +) }

  /// The time within which such a part of all runs ended.
  func seconds(at quantile: Double) -> Double { seconds[min(seconds.count - 1, Int(Double(seconds.count) * quantile))] }
}
