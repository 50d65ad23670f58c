import Synchronization

/// How many connections a server's loops have together.
final class OpenConnections: Sendable {
  private let count = Atomic<Int>(0)

  /// Counts one more unless there are too many. Only one thread adds.
  func add(atMost limit: Int) -> Bool {
    guard count.load(ordering: .relaxed) < limit else { return false }
    count.add(1, ordering: .relaxed)
    return true
  }

  /// Counts one less.
  func remove() { count.subtract(1, ordering: .relaxed) }
}
