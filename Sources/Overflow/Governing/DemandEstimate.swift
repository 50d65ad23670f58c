import Foundation

/// How much is asked of a service, from counts that are noisy: it stays where it is until a change is significant, and
/// then changes at once.
///
/// Arrivals are taken for a Poisson process, with a variance that is larger by what is seen of them. Counts over the last
/// 1, 2, 4, … seconds are held against what the estimate says of them, by the signed root of the deviance, which is about
/// normal. What is far beyond chance in any of them is a change. A slow rise, in the longer ones, is believed sooner than
/// a fall: requests that stay too long hurt more than ones that leave too early.
struct DemandEstimate: Hashable, Sendable {
  /// Requests per second; nil until something was counted.
  private(set) var perSecond: Double?
  /// What was counted: the latest last.
  private var counts: [Double] = []
  private var seconds: [Double] = []
  private var steps = 0
  /// Steps since the last change that was beyond chance; the mean since then is refined for a while.
  private var sinceChange = 0
  /// Steps since a slow rise was believed.
  private var sinceRise = refined * 3
  /// Variance over mean of the counts; 1 for a Poisson process.
  private var dispersion = 1.0

  private static let kept = 128
  private static let settling = 4
  private static let refined = 32
  /// The steps, and the deviations of them from the mean since a change, that show that it goes on.
  private static let latest = 3
  private static let growth = 2.5
  /// The last steps together that are held against the estimate, and from how many deviations on a rise is believed, and
  /// a fall beyond ``band``; nil for never. Five deviations come by chance about once in three million steps.
  private static let windows: [(steps: Int, rise: Double?, fall: Double?)] = [
    (1, 5, nil), (2, 5, nil), (3, 5, nil), (4, 5, 5), (6, 5, 5), (8, 5, 5), (16, 5, 4.5), (32, 3, 4), (64, 2.5, 4),
    (128, nil, 4),
  ]
  /// From how many deviations on what was before a rise says nothing any more.
  private static let certain = 5.0
  /// What a fall must show besides, in deviations of the mean of 32 steps: the noise that rises are believed in.
  private static let band = 3.5

  /// Whether enough was counted to act on: a single second says little of a service that is asked a few times in it.
  var isSettled: Bool { steps >= Self.settling }

  /// Learns how many requests came in a time. What is not a number, or a time that is none, says nothing.
  mutating func note(requests: Double, seconds time: Double) {
    guard requests >= 0, requests.isFinite, time > 0, time.isFinite else { return }
    steps += 1
    counts.append(requests)
    seconds.append(time)
    if counts.count > Self.kept {
      counts.removeFirst()
      seconds.removeFirst()
    }
    guard let before = perSecond else {
      perSecond = requests / time
      sinceChange = 1
      return
    }
    learnDispersion()
    if !followChange(from: before) { refine() }
  }

  private mutating func followChange(from before: Double) -> Bool {
    sinceRise += 1
    // What is seen of the dispersion is noisy itself.
    let spread = max(1, dispersion - 0.2).squareRoot()
    var (count, time, taken) = (0.0, 0.0, 0)
    for window in Self.windows where window.steps <= counts.count {
      while taken < window.steps {
        taken += 1
        count += counts[counts.count - taken]
        time += seconds[seconds.count - taken]
      }
      // Something is always expected, or a single request would be a change.
      let rise = Self.deviation(count, max(before * time, 0.5)) / spread
      let margin = Self.band * spread * (before / min(32, max(time, 1))).squareRoot()
      let fall = -Self.deviation(count, max(before - margin, 0) * time) / spread
      let isFall = window.fall.map { fall > $0 } ?? false
      let isRise = window.rise.map { rise > $0 } ?? false
      // What rose a while ago may not have been seen whole.
      let isMore = window.steps == Self.refined && sinceRise <= 2 * Self.refined && count / time > before
      guard isFall || isRise || isMore else { continue }
      perSecond = count / time
      if isFall || rise >= Self.certain {
        beginAnew(window.steps, from: before)
      } else if isRise {
        sinceRise = 0
      }
      return true
    }
    return false
  }

  /// Forgets what was before a change that shows in the last steps: it is most likely to have come where what is after it
  /// deviates most from what was expected.
  private mutating func beginAnew(_ steps: Int, from before: Double) {
    var (count, time) = (0.0, 0.0)
    var best = (steps: steps, deviation: 0.0, perSecond: before)
    for step in 1...steps {
      count += counts[counts.count - step]
      time += seconds[seconds.count - step]
      let deviation = abs(Self.deviation(count, max(before * time, 0.5)))
      if deviation > best.deviation { best = (step, deviation, count / time) }
    }
    counts.removeFirst(counts.count - best.steps)
    seconds.removeFirst(seconds.count - best.steps)
    sinceChange = best.steps
    sinceRise = 3 * Self.refined
    perSecond = best.perSecond
  }

  /// A young estimate becomes the mean since the change, without the step in whose middle it came.
  private mutating func refine() {
    sinceChange += 1
    guard sinceChange <= Self.refined else { return }
    let steps = min(max(2, sinceChange - 1), counts.count)
    let mean = counts.suffix(steps).reduce(0, +) / seconds.suffix(steps).reduce(0, +)
    // A rush that goes on growing is ahead of its mean.
    let (count, time) = (
      counts.suffix(Self.latest).reduce(0, +), seconds.suffix(Self.latest).reduce(0, +)
    )
    let isGrowing = Self.deviation(count, mean * time) > Self.growth * max(1, dispersion - 0.2).squareRoot()
    perSecond = isGrowing ? count / time : mean
  }

  /// Learns from the difference of the last two counts: a rise or fall that goes on for long is no dispersion, and what
  /// the estimate is behind the demand is none either.
  private mutating func learnDispersion() {
    guard counts.count > 1 else { return }
    let (count, time) = (counts[counts.count - 1], seconds[seconds.count - 1])
    let (before, timeBefore) = (counts[counts.count - 2], seconds[seconds.count - 2])
    let mean = (count + before) / (time + timeBefore)
    guard mean > 0 else { return }
    let difference = count / time - before / timeBefore
    let ratio = difference * difference / (mean * (1 / time + 1 / timeBefore))
    // A sudden change is no dispersion.
    let clipped = min(ratio, 9 * dispersion)
    dispersion = min(100, max(1, dispersion + max(0.002, 1 / Double(steps + 20)) * (clipped - dispersion)))
  }

  /// The signed root of the deviance of a count against what is expected of a Poisson process.
  static func deviation(_ count: Double, _ expected: Double) -> Double {
    guard expected > 0 else { return 0 }
    let deviance = 2 * ((count > 0 ? count * log(count / expected) : 0) - (count - expected))
    let root = max(0, deviance).squareRoot()
    return count < expected ? -root : root
  }
}
