/// Finds what one pod bears: more is asked of it step by step, until responses take longer, or fail, and go on doing so.
///
/// The method is that of the experiment on cooperative edges: from 10 requests per minute, 30 more each minute.
public struct Calibration: Hashable, Sendable {
  /// What was seen at one rate.
  public struct Step: Hashable, Sendable {
    /// Requests per minute that were sent.
    public var perMinute: Double
    /// How many were sent.
    public var requests: Int
    /// How many of them failed or were not answered in time.
    public var errors: Int
    /// What a response took, in seconds: the median of those that succeeded; nil where none did.
    public var medianSeconds: Double?
    /// What 95 in 100 did not exceed, in seconds.
    public var p95Seconds: Double?

    /// Makes a step.
    public init(
      perMinute: Double, requests: Int, errors: Int, medianSeconds: Double?, p95Seconds: Double? = nil
    ) {
      self.perMinute = perMinute
      self.requests = requests
      self.errors = errors
      self.medianSeconds = medianSeconds
      self.p95Seconds = p95Seconds
    }

    /// The share of requests that failed, 0…1.
    public var errorShare: Double { requests > 0 ? Double(errors) / Double(requests) : 0 }
  }

  /// How much a step is worse than what is usual.
  public enum Standing: Hashable, Sendable {
    /// As at little load.
    case stable
    /// Latency or errors have begun to rise.
    case rising
    /// They rise steeply.
    case steep
  }

  /// What was found.
  public struct Finding: Hashable, Sendable {
    /// The highest rate up to which all went as at little load, in requests per minute: a pod's capacity. Nil where even
    /// the first did not.
    public var stablePerMinute: Double?
    /// The lowest rate from which latency or errors rise steeply; nil where none did.
    public var steepPerMinute: Double?
    /// Whether the pod was brought to its limit: otherwise it bears more than was asked of it.
    public var isLimit: Bool

    /// Makes a finding.
    public init(stablePerMinute: Double?, steepPerMinute: Double?, isLimit: Bool) {
      self.stablePerMinute = stablePerMinute
      self.steepPerMinute = steepPerMinute
      self.isLimit = isLimit
    }
  }

  /// The steps so far.
  public private(set) var steps: [Step] = []
  /// How each of them stands.
  public private(set) var standings: [Standing] = []
  /// The rate of the next step, in requests per minute; nil once the search is over.
  public private(set) var next: Double?
  private let increment: Double
  private let most: Double

  /// How many times its usual latency is a rise, and a steep one.
  private static let slower = (rising: 1.5, steep: 4.0)
  /// Which share of errors beyond the usual one is a rise, and a steep one.
  private static let failing = (rising: 0.01, steep: 0.05)
  /// So many steps in a row that are not stable are no chance.
  private static let enough = 3

  /// Makes a search.
  ///
  /// - Parameters:
  ///   - first: the first rate, above 0.
  ///   - increment: how much more each step asks, above 0.
  ///   - most: the highest rate that is tried.
  public init(from first: Double = 10, by increment: Double = 30, upTo most: Double = 6000) {
    precondition(first > 0 && increment > 0, "rates are above zero")
    self.increment = increment
    self.most = most
    next = first
  }

  /// Learns what was seen at the rate that was asked for.
  public mutating func note(_ step: Step) {
    steps.append(step)
    standings.append(standing(of: step))
    let isOver =
      standings.suffix(Self.enough).count == Self.enough && standings.suffix(Self.enough).allSatisfy { $0 != .stable }
      && standings.suffix(2).allSatisfy { $0 == .steep }
    next = isOver || step.perMinute + increment > most ? nil : step.perMinute + increment
  }

  /// What is found so far. A step that is worse counts only where the next one is, too: one alone may be chance.
  public var finding: Finding {
    // From the end back to the last two in a row that are stable, or the last one that none but it follows.
    var rising = steps.count
    for k in steps.indices.reversed() {
      if standings[k] != .stable { rising = k } else if k == 0 || standings[k - 1] == .stable { break }
    }
    let steep = standings.lastIndex { $0 != .steep }.map { $0 + 1 } ?? 0
    return Finding(
      stablePerMinute: rising > 0 ? steps[rising - 1].perMinute : nil,
      steepPerMinute: steep < steps.count ? steps[steep].perMinute : nil, isLimit: rising < steps.count)
  }

  private func standing(of step: Step) -> Standing {
    let usual = usualSteps
    let usualErrors = usual.map(\.errorShare).min() ?? 0
    let errors = step.errorShare - usualErrors
    // At few requests one error is no share.
    let isSure = step.errors >= 2
    guard let median = step.medianSeconds else { return step.errors > 0 ? .steep : .stable }
    let usualLatency = usual.compactMap(\.medianSeconds).min() ?? median
    if median > Self.slower.steep * usualLatency || (isSure && errors > Self.failing.steep) { return .steep }
    if median > Self.slower.rising * usualLatency || (isSure && errors > Self.failing.rising) { return .rising }
    return .stable
  }

  /// The first steps, at little load.
  private var usualSteps: some Collection<Step> { steps.prefix(max(3, steps.count / 4)) }
}
