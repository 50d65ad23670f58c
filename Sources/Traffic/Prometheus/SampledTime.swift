/// The time that the samples of a matrix stand for.
struct SampledTime: Hashable, Sendable {
  /// The time of the first sample; of rates, a step earlier, for each stands for the step before it.
  var start = Double.infinity
  /// The time of the last sample.
  var end = -Double.infinity
  /// The seconds from one sample of a series to the next.
  var step = Double.infinity

  /// The seconds; 0 where there are no two times.
  var length: Double { max(0, end - start) }

  /// Takes in a sample's time.
  mutating func add(_ time: Double) {
    start = min(start, time)
    end = max(end, time)
  }

  /// Whether a series that has samples in this time, and of which the matrix has none, is not what was asked for: else
  /// the matrix would have more than one sample of it.
  func excludes(_ samples: ClosedRange<Double>) -> Bool {
    min(end, samples.upperBound) - max(start, samples.lowerBound) > (step.isFinite ? step : 0)
  }
}
