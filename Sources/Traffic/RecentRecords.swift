/// Remembers which records were seen, in memory of bounded size.
///
/// It keeps 64-bit fingerprints in two sets. When the newer one is full the older one is forgotten, so that a record
/// is recognized when it comes again as long as fewer than ``capacity`` others lie between the two, and often twice as
/// many. That a record is mistaken for one of those in memory has a probability of about one in 10¹².
struct RecentRecords: Sendable {
  /// How many records one set holds.
  let capacity: Int
  private var newer: Set<UInt64> = []
  private var older: Set<UInt64> = []

  /// Makes an empty memory; by default of 6 million records in each set, which take up to 64 MiB.
  init(capacity: Int = 6 << 20) {
    self.capacity = capacity
  }

  /// Remembers a record; answers false where it was seen before.
  mutating func insert(_ fingerprint: UInt64) -> Bool {
    guard !older.contains(fingerprint), newer.insert(fingerprint).inserted else { return false }
    if newer.count >= capacity {
      older = newer
      newer = []
    }
    return true
  }
}
