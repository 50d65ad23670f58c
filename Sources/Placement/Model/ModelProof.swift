internal import Foundation
import Synchronization

/// Branch and bound on a whole problem that can be put aside and taken up again.
///
/// GLPK's search is one call, on one thread. Here it has a thread of its own, on which it waits between slices; the
/// thread ends with the last reference.
final class ModelProof: Sendable {
  private let search: Search

  /// Makes a proof that has not started yet.
  init(_ problem: Problem) { search = Search(problem) }

  deinit { search.cancel() }

  /// Goes on with the search, and answers how far it is.
  ///
  /// - Parameters:
  ///   - nodes: how many subproblems to look at in this slice; nil where `isOver` alone says.
  ///   - suggestion: the best placement known elsewhere.
  ///   - isOver: whether the slice is over.
  func run(
    nodes: Int?, suggestion: Assignment?, isOver: @escaping @Sendable () -> Bool
  ) throws(PlacementError) -> PlacementModel.Outcome {
    try search.run(Search.Slice(nodes: nodes, suggestion: suggestion, isOver: isOver))
  }
}

/// What the two threads share. One of them waits whenever the other works.
private final class Search: Sendable {
  struct Slice: Sendable {
    var nodes: Int?
    var suggestion: Assignment?
    var isOver: @Sendable () -> Bool
  }

  private struct State {
    var hasStarted = false
    var isCancelled = false
    var slice: Slice?
    var soFar = PlacementModel.Outcome(lowerBound: -.infinity)
    var end: Result<PlacementModel.Outcome, PlacementError>?
  }

  private let problem: Problem
  private let state = Mutex(State())
  private let resumed = DispatchSemaphore(value: 0)
  private let paused = DispatchSemaphore(value: 0)

  init(_ problem: Problem) { self.problem = problem }

  func run(_ slice: Slice) throws(PlacementError) -> PlacementModel.Outcome {
    if let end = state.withLock({ $0.end }) { return try end.get() }
    let hasStarted = state.withLock { state in
      defer { state.hasStarted = true }
      state.slice = slice
      if let nodes = slice.nodes { state.slice?.nodes = state.soFar.nodes + nodes }
      return state.hasStarted
    }
    if hasStarted {
      resumed.signal()
    } else {
      let thread = Thread { self.work() }
      thread.name = "tonari-proof"
      thread.stackSize = 16 << 20
      thread.start()
    }
    paused.wait()
    let (soFar, end) = state.withLock { ($0.soFar, $0.end) }
    return try end?.get() ?? soFar
  }

  func cancel() {
    state.withLock { $0.isCancelled = true }
    resumed.signal()
  }

  // MARK: On the thread of its own

  private func work() {
    let end = Result { () throws(PlacementError) in
      try PlacementModel(problem).solve(
        suggestion: { _ in
          self.state.withLock { state in
            defer { state.slice?.suggestion = nil }
            return state.slice?.suggestion
          }
        },
        onImprovement: { assignment in self.state.withLock { $0.soFar.assignment = assignment } },
        onBound: { bound in self.state.withLock { $0.soFar.lowerBound = bound } },
        onStep: { nodes in self.state.withLock { $0.soFar.nodes = nodes } },
        shouldStop: { self.pauseWhereOver() }
      )
    }
    state.withLock { $0.end = end }
    paused.signal()
  }

  /// Waits for the next slice where this one is over; answers whether there is none.
  private func pauseWhereOver() -> Bool {
    while true {
      let (slice, nodes, isCancelled) = state.withLock { ($0.slice, $0.soFar.nodes, $0.isCancelled) }
      if isCancelled { return true }
      guard let slice, nodes >= slice.nodes ?? .max || slice.isOver() else { return false }
      paused.signal()
      resumed.wait()
    }
  }
}
