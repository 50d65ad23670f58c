import Foundation
import Synchronization

/// Where the workers meet between cycles.
final class CycleGate: Sendable {
  typealias Result = (index: Int, finding: Portfolio.Finding)

  /// What the workers do in a cycle.
  struct Order: Sendable {
    var cycle: Int
    var end: Duration?
    var work: Int?
    var best: Portfolio.Best
  }

  private struct State {
    var order: Order?
    var results: [Result] = []
    var pending = 0
    var isClosed = false
  }

  private let workers: Int
  private let condition = NSCondition()
  private let state = Mutex(State())

  init(workers: Int) { self.workers = workers }

  /// Opens a cycle to the other workers.
  func begin(_ order: Order) {
    condition.withLock {
      state.withLock {
        $0.order = order
        $0.results = []
        $0.pending = workers - 1
      }
      condition.broadcast()
    }
  }

  /// Waits for the other workers' results.
  func collect() -> [Result] {
    condition.lock()
    defer { condition.unlock() }
    while state.withLock({ $0.pending > 0 }) { condition.wait() }
    return state.withLock { $0.results }
  }

  /// Waits for a cycle after the one given; nil when there is none.
  func nextOrder(after cycle: Int) -> Order? {
    condition.lock()
    defer { condition.unlock() }
    while true {
      let next = state.withLock { (isClosed: $0.isClosed, order: $0.order) }
      if next.isClosed { return nil }
      if let order = next.order, order.cycle > cycle { return order }
      condition.wait()
    }
  }

  func finish(_ results: [Result]) {
    condition.withLock {
      state.withLock {
        $0.results += results
        $0.pending -= 1
      }
      condition.broadcast()
    }
  }

  func close() {
    condition.withLock {
      state.withLock { $0.isClosed = true }
      condition.broadcast()
    }
  }
}
