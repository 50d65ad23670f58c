/// Remembers which calls were seen, in memory of bounded size.
///
/// It keeps 64-bit fingerprints in two sets. When the newer one is full the older one is forgotten, so that a second
/// record of a call is recognized as long as fewer than ``capacity`` other calls lie between the two, and often twice as
/// many. That a call is mistaken for one of those in memory has a probability of about one in 10¹².
struct RecentCalls: Sendable {
  /// How many calls one set holds.
  let capacity: Int
  private var newer: Set<UInt64> = []
  private var older: Set<UInt64> = []

  /// Makes an empty memory; by default of 6 million calls in each set, which take up to 64 MiB.
  init(capacity: Int = 6 << 20) {
    self.capacity = capacity
  }

  /// Remembers a call; answers false where it was seen before.
  mutating func insert(_ fingerprint: UInt64) -> Bool {
    guard !older.contains(fingerprint), newer.insert(fingerprint).inserted else { return false }
    if newer.count >= capacity {
      older = newer
      newer = []
    }
    return true
  }
}
