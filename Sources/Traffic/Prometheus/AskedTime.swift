/// The time of all matrices that were asked the same: for how long each of their series was watched.
struct AskedTime: Sendable {
  /// More times than this that overlap are all taken as the time of every series, so that it takes linear time.
  private static let limit = 256

  /// The times, in order of their starts.
  private let times: [SampledTime]
  /// How long they are, counted once where they overlap.
  let seconds: Double
  /// Whether some overlap, so that one of them can show that another one's series were not asked for.
  let overlaps: Bool

  init(_ matrices: some Sequence<SampledTime>) {
    times = Set(matrices).sorted { ($0.start, $0.end, $0.step) < ($1.start, $1.end, $1.step) }
    seconds = Self.seconds(times)
    overlaps = times.count <= Self.limit && zip(times, times.dropFirst()).contains { $1.start < $0.end }
  }

  /// The seconds in which a series was watched.
  ///
  /// - Parameter held: The times of the matrices that have it, and from when to when they have samples of it.
  func seconds(of held: [(time: SampledTime, samples: ClosedRange<Double>)]) -> Double {
    Self.seconds(
      times.filter { time in
        held.contains { $0.time == time } || !held.contains { time.excludes($0.samples) }
      })
  }

  private static func seconds(_ times: [SampledTime]) -> Double {
    var seconds = 0.0
    var end = -Double.infinity
    for time in times where time.end > end {
      seconds += time.end - max(end, time.start)
      end = time.end
    }
    return seconds
  }
}
