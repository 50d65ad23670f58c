public import Model

/// How many retries are allowed: a share of the requests, and a few each second however few requests there are, so that
/// retries never multiply an overload.
///
/// A bucket of tokens: a request adds `share`, a second adds `minimumPerSecond`, a retry takes one.
public struct RetryBudget: Hashable, Sendable {
  private let share: Double
  private let minimumPerSecond: Double
  private let burst: Double
  private var tokens: Double
  private var last: Moment

  /// Makes a budget, full.
  ///
  /// - Parameters:
  ///   - share: Retries for each request, at least 0.
  ///   - minimumPerSecond: Retries each second that are always allowed, at least 0.
  ///   - burst: The most retries that can be saved up, at least 1.
  ///   - now: When it starts.
  public init(share: Double = 0.2, minimumPerSecond: Double = 3, burst: Double = 10, at now: Moment) {
    precondition(share >= 0 && minimumPerSecond >= 0 && burst >= 1, "a budget is not below zero, a burst not below one")
    self.share = share
    self.minimumPerSecond = minimumPerSecond
    self.burst = burst
    tokens = burst
    last = now
  }

  /// Notes a request that is not a retry.
  public mutating func request(at now: Moment) {
    refill(at: now)
    tokens = min(burst, tokens + share)
  }

  /// Takes a retry from the budget. Answers whether there was one.
  public mutating func retry(at now: Moment) -> Bool {
    refill(at: now)
    guard tokens >= 1 else { return false }
    tokens -= 1
    return true
  }

  private mutating func refill(at now: Moment) {
    let seconds = max(0, now.seconds(since: last))
    tokens = min(burst, tokens + seconds * minimumPerSecond)
    last = max(last, now)
  }
}
