/// When there was how much, in memory of bounded size: enough to tell the times of a dump from a few stray ones.
struct TimeHistogram: Sendable {
  /// What lies within one width.
  private struct Bucket {
    var first: Double
    var last: Double
    var count = 1

    mutating func take(_ first: Double, _ last: Double, _ count: Int) {
      self.first = min(self.first, first)
      self.last = max(self.last, last)
      self.count += count
    }
  }

  /// How many buckets there are at most; with more of them, wider ones are made.
  private static let limit = 4096
  /// So many times there must be for some of them to be strays.
  private static let enough = 20
  /// No time is a stray that is closer than this to others, in seconds.
  private static let closeness = 3600.0
  /// No time is a stray that is closer to others than so many times what those cover.
  private static let factor = 10.0

  private var width = 1.0
  private var buckets: [Double: Bucket] = [:]
  /// The bucket of the last time, which the next one is mostly in as well, and its number.
  private var current: (number: Double, bucket: Bucket)?
  /// How many times there are.
  private(set) var count = 0

  /// Takes in a time, which must be finite.
  mutating func add(_ time: Double) {
    count += 1
    if current?.number == self.number(of: time) {
      current?.bucket.take(time, time, 1)
    } else {
      keepCurrent()
      current = (self.number(of: time), Bucket(first: time, last: time))
    }
  }

  private func number(of time: Double) -> Double { (time / width).rounded(.down) }

  private mutating func keepCurrent() {
    guard let (number, bucket) = current else { return }
    current = nil
    keep(bucket, number)
    while buckets.count > Self.limit {
      width *= 4
      let narrow = buckets.values
      buckets = [:]
      for bucket in narrow { keep(bucket, self.number(of: bucket.first)) }
    }
  }

  private mutating func keep(_ bucket: Bucket, _ number: Double) {
    if buckets[number]?.take(bucket.first, bucket.last, bucket.count) == nil { buckets[number] = bucket }
  }

  /// From the first time to the last without strays, and how many strays there are; nil where there are no times.
  ///
  /// Most times, all but a hundredth at either end, are none. Around them, all are none up to a gap that is long for what
  /// lies on this side of it.
  mutating func bounds() -> (time: ClosedRange<Double>, strayCount: Int)? {
    keepCurrent()
    let all = buckets.values.sorted { $0.first < $1.first }
    guard let first = all.first, let last = all.last else { return nil }
    guard count >= Self.enough else { return (first.first...last.last, 0) }

    let most = max(2, count / 100)
    var low = Self.index(in: all, after: most)
    var high = all.count - 1 - Self.index(in: all.reversed(), after: most)
    guard low <= high else { return (first.first...last.last, 0) }
    var isGrowing = true
    while isGrowing {
      isGrowing = false
      let far = max(Self.closeness, Self.factor * (all[high].last - all[low].first))
      if low > 0, all[low].first - all[low - 1].last <= far {
        low -= 1
        isGrowing = true
      }
      if high < all.count - 1, all[high + 1].first - all[high].last <= far {
        high += 1
        isGrowing = true
      }
    }
    let kept = all[low...high].reduce(0) { $0 + $1.count }
    return (all[low].first...all[high].last, count - kept)
  }

  /// The index of the first bucket before which, or in which, there are more times than a number.
  private static func index(in buckets: some Collection<Bucket>, after number: Int) -> Int {
    var seen = 0
    for (index, bucket) in buckets.enumerated() {
      seen += bucket.count
      if seen > number { return index }
    }
    return buckets.count - 1
  }
}
