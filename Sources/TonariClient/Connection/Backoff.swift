/// How long to wait before the next try: twice as long each time up to a limit, less a share that is left to chance so
/// that clients that lost the same selector do not come back all at once.
struct Backoff: Sendable {
  let first: Duration
  let longest: Duration
  private var failures = 0

  init(first: Duration, longest: Duration) {
    self.first = first
    self.longest = longest
  }

  /// Forgets what failed.
  mutating func reset() {
    failures = 0
  }

  /// The wait after one more failure.
  mutating func next(using generator: inout some RandomNumberGenerator) -> Duration {
    let whole = min(longest, first * (1 << min(failures, 20)))
    failures += 1
    return whole * Double.random(in: 0.5...1, using: &generator)
  }
}
