/// How long decisions take, from a pick's message to its answer in the buffer.
package struct DecisionTimes: Hashable, Sendable {
  /// One pick in so many is measured.
  package static let sampling = 64
  /// The upper bounds of all but the last bucket, in nanoseconds, each twice the one before.
  package static let bounds: [Int64] = (0..<14).map { 125 << $0 }

  /// How many decisions there were up to each of ``bounds`` and above the one before; those above all at the end.
  package private(set) var counts = [UInt64](repeating: 0, count: bounds.count + 1)
  /// What they took together, in nanoseconds.
  package private(set) var totalNanoseconds: UInt64 = 0

  mutating func count(nanoseconds: Int64) {
    let steps = max(0, nanoseconds - 1) / Self.bounds[0]
    counts[min(Int64.bitWidth - steps.leadingZeroBitCount, counts.count - 1)] &+= 1
    totalNanoseconds &+= UInt64(clamping: nanoseconds)
  }

  mutating func add(_ other: DecisionTimes) {
    for index in counts.indices { counts[index] &+= other.counts[index] }
    totalNanoseconds &+= other.totalNanoseconds
  }
}
