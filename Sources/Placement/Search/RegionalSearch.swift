import Dispatch
internal import Model

/// Anneals a problem that is too large for many short searches: one long annealing, on all threads at once.
///
/// It goes in rounds. In each, the nodes are divided at random among the searchers (see ``Regions``), each anneals its
/// region of the same placement, and at the end the regions are put together again; so the threads share the work
/// instead of doing it twice. Short rounds make the borders move.
final class RegionalSearch {
  private let problem: Problem
  private let search: SearchProblem
  private let ties: [Int32]
  private let searchers: [RegionalSearcher]
  private let isParallel: Bool
  private var random: SeededGenerator
  private(set) var snapshot: [Int32]
  private(set) var cost: Double
  /// Set where fillers did not fit behind the members, so that all workloads have to be searched together.
  private(set) var fillersFailed = false

  /// Starts from a feasible assignment.
  ///
  /// - Parameters:
  ///   - packsFillers: whether to leave workloads without traffic out of the search and pack them afterwards.
  ///   - searchers: how many regions there are; the result depends on it.
  ///   - isParallel: whether the regions are searched at the same time; the result does not depend on it.
  init(
    _ problem: Problem, from start: Assignment, seed: UInt64, packsFillers: Bool, searchers count: Int, isParallel: Bool
  ) {
    self.problem = problem
    let search = SearchProblem(problem, packsFillers: packsFillers)
    self.search = search
    ties = search.ties
    self.isParallel = isParallel
    let regions = max(1, min(count, problem.nodes.count / 2, 64))
    searchers = (0..<regions).map {
      RegionalSearcher(search, start, seed: seed &+ UInt64($0) &* 0x9E37_79B9_7F4A_7C15)
    }
    random = SeededGenerator(seed: ~seed)
    snapshot = search.snapshot(of: start)
    cost = searchers[0].cost
  }

  /// The size of the changes that random proposals would make.
  func typicalChange() -> Double { searchers[0].typicalChange() }

  var replicaCount: Int { snapshot.count }
  var searcherCount: Int { searchers.count }

  /// Lets every searcher anneal its region, and takes up what they found.
  ///
  /// - Parameters:
  ///   - movePrice: what a move is to gain at least, beside what the problem says that it costs.
  ///   - isFocused: whether to start from workloads with much traffic between nodes only.
  ///   - temperature: the temperature after a part of the slice, from 0 to 1.
  func round(
    _ slice: WorkSlice, movePrice: Double, isFocused: Bool, temperature: @Sendable (_ fraction: Double) -> Double
  ) {
    let regions =
      searchers.count > 1
      ? Regions(count: searchers.count, nodes: problem.nodes.count, ties: ties, random: &random) : nil
    let all = searchers
    if isParallel && all.count > 1 {
      DispatchQueue.concurrentPerform(iterations: all.count) { i in
        all[i].anneal(regions, UInt8(i), slice, movePrice, isFocused, temperature)
      }
    } else {
      for (i, searcher) in all.enumerated() {
        searcher.anneal(regions, UInt8(i), slice, movePrice, isFocused, temperature)
      }
    }
    if let regions {
      var merged = snapshot
      for (i, searcher) in all.enumerated() {
        for (r, node) in searcher.snapshot.enumerated() where regions.regionOfNode[Int(snapshot[r])] == UInt8(i) {
          merged[r] = node
        }
      }
      for searcher in all { searcher.restore(merged) }
      // Where a workload shrinks, what each region may move does not always add up to what all may.
      if all[0].isOverdrawn { for searcher in all { searcher.restore(snapshot) } } else { snapshot = merged }
    } else {
      snapshot = all[0].snapshot
    }
    cost = all[0].cost
  }

  /// Goes back to a placement.
  func restore(_ snapshot: [Int32]) {
    self.snapshot = snapshot
    for searcher in searchers { searcher.restore(snapshot) }
    cost = searchers[0].cost
  }

  /// The whole placement, fillers included; nil where they do not fit.
  func complete(_ snapshot: [Int32]) -> Assignment? {
    let completion = search.complete(snapshot, seed: random.next())
    if completion.fillersFailed { fillersFailed = true }
    return completion.assignment
  }
}

/// One thread's part of a ``RegionalSearch``.
///
/// It is used by one thread at a time: the rounds hand it over.
private final class RegionalSearcher: @unchecked Sendable {
  private var state: SearchState
  private var annealing: Annealing

  init(_ search: SearchProblem, _ start: Assignment, seed: UInt64) {
    state = SearchState(search, start)
    annealing = Annealing(seed: seed)
  }

  var cost: Double { state.cost }
  var snapshot: [Int32] { state.snapshot() }
  var isOverdrawn: Bool { state.isOverdrawn }

  func restore(_ snapshot: [Int32]) { state.restore(snapshot) }

  func typicalChange() -> Double { annealing.typicalChange(&state, samples: 4000) }

  func anneal(
    _ regions: Regions?, _ region: UInt8, _ slice: WorkSlice, _ movePrice: Double, _ isFocused: Bool,
    _ temperature: @Sendable (_ fraction: Double) -> Double
  ) {
    var slice = slice
    state.keep(to: region, of: regions, focus: isFocused ? state.mostCrossing(part: 0.8) : nil)
    state.setMovePrice(movePrice)
    let chunk = 4000
    while let fraction = slice.fraction() {
      annealing.temperature = temperature(fraction)
      annealing.run(&state, proposals: chunk)
      slice.spend(chunk)
    }
    state.keep(to: 0, of: nil)
    state.setMovePrice(0)
    state.recomputeCost()
  }
}
