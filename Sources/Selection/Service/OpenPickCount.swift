import Synchronization

/// How many picks are open over all services of a dispatcher, beside the locks of each.
final class OpenPickCount: Sendable {
  private let count = Atomic<Int>(0)
  private let limit: Int

  init(limit: Int) {
    self.limit = limit
  }

  /// Whether there are as many as there may be.
  @inline(__always)
  var isFull: Bool { count.load(ordering: .relaxed) >= limit }

  /// How many there are.
  var value: Int { count.load(ordering: .relaxed) }

  @inline(__always)
  func add(_ more: Int) { count.wrappingAdd(more, ordering: .relaxed) }

  @inline(__always)
  func subtract(_ fewer: Int) { count.wrappingSubtract(fewer, ordering: .relaxed) }
}
