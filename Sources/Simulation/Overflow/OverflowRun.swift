import Model

/// What became of the requests of one rush.
///
/// Response times are those of requests that were answered, and of those given up, which count with the timeout. What was
/// turned away at once is an error without a response time: being fast at that is no merit.
public struct OverflowRun: Hashable, Sendable {
  /// Half a minute of it.
  struct Bin: Hashable, Sendable {
    struct Side: Hashable, Sendable {
      var requests = 0
      var errors = 0
      var timed = 0
      var seconds = 0.0
    }

    var here = Side()
    var neighbour = Side()
    var shed = 0
  }

  static let binSeconds = 30.0

  /// All response times, in seconds.
  var responses: [Double] = []
  var requests = 0
  var errors = 0
  var bins: [Bin]
  /// The share that left by the weights of each step, where there were weights.
  public internal(set) var shares: [Double] = []

  init(minutes: Double) {
    bins = Array(repeating: Bin(), count: max(1, Int(saturating: (minutes * 60 / Self.binSeconds).rounded(.up))))
  }

  /// Notes how a request ended.
  ///
  /// - Parameters:
  ///   - arrived: When it came.
  ///   - seconds: What it took; nil where it was turned away.
  mutating func note(arrived: Moment, _ destination: OverflowDestination, seconds: Double?, isError: Bool) {
    requests += 1
    if isError { errors += 1 }
    if let seconds { responses.append(seconds) }
    let bin = min(bins.count - 1, Int(saturating: arrived.seconds / Self.binSeconds))
    func add(_ side: inout Bin.Side) {
      side.requests += 1
      if isError { side.errors += 1 }
      if let seconds {
        side.timed += 1
        side.seconds += seconds
      }
    }
    switch destination {
    case .here: add(&bins[bin].here)
    case .neighbour: add(&bins[bin].neighbour)
    case .nowhere: bins[bin].shed += 1
    }
  }
}
