import Synchronization

/// What endpoint discovery did, counted.
final class DiscoveryCounts: Sendable {
  let streams = Atomic<Int>(0)
  let responses = Atomic<Int>(0)
  let rejections = Atomic<Int>(0)
}
