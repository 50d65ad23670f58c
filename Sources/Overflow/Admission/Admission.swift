public import Model

/// Lets requests in up to a rate, and says at once which one is too many: the generic cell rate algorithm (ITU-T I.371,
/// annex A, in its form of virtual scheduling).
///
/// Over any time of `t` seconds it lets in at most `t·rate + burst·rate + 1` requests, and no fewer than that as long as
/// there are so many. A decision is a comparison and an addition.
public struct Admission: Hashable, Sendable {
  /// Requests per minute that are let in; infinite for all, 0 for none.
  public private(set) var perMinute: Double
  /// Nanoseconds from one request to the next.
  private var interval: Int64
  /// How early a request may come, in nanoseconds.
  private let burst: Int64
  /// When the next request would be due if they came evenly.
  private var due: Int64 = .min

  /// The longest interval that is told from none at all: a day.
  private static let longest = 86_400_000_000_000.0

  /// Makes an admission.
  ///
  /// - Parameters:
  ///   - perMinute: requests per minute, at least 0; infinite for all.
  ///   - burst: how much of the rate may come at once after a pause. Arrivals that are not even need some, or they are
  ///     sent out though there is room on the average.
  public init(perMinute: Double, burst: Duration = .milliseconds(500)) {
    self.perMinute = 0
    interval = .max
    self.burst = max(0, Int64(saturating: min(burst / .nanoseconds(1), Self.longest)))
    set(perMinute: perMinute)
  }

  /// Changes the rate, from the next request on. What is not a number, or below 0, counts as 0.
  public mutating func set(perMinute: Double) {
    let rate = perMinute > 0 ? perMinute : 0
    guard rate != self.perMinute else { return }
    self.perMinute = rate
    let nanoseconds = 60e9 / rate
    interval = nanoseconds <= Self.longest ? Int64(saturating: nanoseconds.rounded()) : .max
  }

  /// Decides about a request that comes now, and counts it where it is let in.
  @inline(__always)
  public mutating func admit(at now: Moment) -> Bool {
    guard interval != .max else { return false }
    let start = max(due, now.nanoseconds)
    guard start &- now.nanoseconds <= burst else { return false }
    due = start &+ interval
    return true
  }

  /// Takes back what ``admit(at:)`` let in and what then went elsewhere.
  public mutating func giveBack() {
    guard interval != .max, due != .min else { return }
    due &-= interval
  }
}
