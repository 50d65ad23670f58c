/// The search for an order of moves: what is free on each node, what still has to start and what still has to stop.
struct MovePlanner {
  /// Replicas of a workload that still have to start on a node.
  private struct Start {
    var workload: Int
    var node: Int
    var replicas: Int
    /// Set where the replicas are those that a step stopped before, and where they ran.
    var stoppedOn: Int?
  }

  /// Replicas of a workload that still have to leave a node.
  private struct Stop {
    var node: Int
    var replicas: Int
  }

  private let problem: Problem
  private let resourceCount: Int
  /// Capacity less load, below 0 on a node that is too full: `free[n * resourceCount + k]`.
  private var free: [Int64]
  /// What still has to start: `incoming[n * resourceCount + k]`.
  private var incoming: [Int64]
  private var starts: [Start] = []
  /// Indices into `starts` of those that go to a node.
  private var startsInto: [[Int]]
  /// Indices into `starts` of each workload.
  private var startsOf: [[Int]]
  private var stopsOf: [[Stop]]
  /// The workloads that leave a node, with or without replicas left to stop.
  private var leaving: [[Int]]
  private var running: [Int]
  private var steps: [MoveOrder.Step] = []
  /// Nodes into which there may be steps to take.
  private var queue: [Int] = []
  /// Whether steps into wanted nodes are taken that make no room on another.
  private var takesAnything = false

  init(_ problem: Problem, _ target: Assignment) {
    self.problem = problem
    resourceCount = problem.resources.count
    let current = Assignment(placed: problem.current.map { $0 ?? [] })
    let load = problem.load(current)
    free = zip(problem.allocatable, load).map { $0 - $1 }
    incoming = Array(repeating: 0, count: free.count)
    startsInto = Array(repeating: [], count: problem.nodes.count)
    startsOf = Array(repeating: [], count: problem.workloads.count)
    stopsOf = Array(repeating: [], count: problem.workloads.count)
    leaving = Array(repeating: [], count: problem.nodes.count)
    running = current.placed.map { $0.reduce(0) { $0 + $1.replicas } }
    for w in problem.workloads.indices {
      addDifference(w, from: current.placed[w], to: target.placed[w])
    }
  }

  private mutating func addDifference(_ w: Int, from now: [Problem.Placed], to then: [Problem.Placed]) {
    var change: [Int: Int] = [:]
    for place in now { change[place.node, default: 0] -= place.replicas }
    for place in then { change[place.node, default: 0] += place.replicas }
    for (node, replicas) in change.sorted(by: { $0.key < $1.key }) where replicas != 0 {
      if replicas > 0 {
        addStart(Start(workload: w, node: node, replicas: replicas))
      } else {
        stopsOf[w].append(Stop(node: node, replicas: -replicas))
        leaving[node].append(w)
      }
    }
  }

  private mutating func addStart(_ start: Start) {
    startsInto[start.node].append(starts.count)
    startsOf[start.workload].append(starts.count)
    starts.append(start)
    for k in 0..<resourceCount {
      incoming[start.node * resourceCount + k] += Int64(start.replicas) * request(start.workload, k)
    }
  }

  mutating func plan() -> MoveOrder {
    for w in problem.workloads.indices { removeSurplus(w) }
    queue = Array(problem.nodes.indices.reversed())
    repeat { drainQueue() } while interrupt()
    // Nodes that are still wanted will be too full in the end; fill them as far as they go.
    takesAnything = true
    queue = Array(problem.nodes.indices.reversed())
    drainQueue()
    return MoveOrder(steps: merged(), blocked: remaining())
  }

  // MARK: - Steps

  /// Where a workload shrinks, its surplus goes first: from the fullest nodes, as there is the most to gain.
  private mutating func removeSurplus(_ w: Int) {
    var surplus = stopsOf[w].reduce(0) { $0 + $1.replicas } - startsOf[w].reduce(0) { $0 + starts[$1].replicas }
    while surplus > 0, let i = mostWanted(stopsOf[w]) {
      let node = stopsOf[w][i].node
      let count = min(surplus, stopsOf[w][i].replicas)
      stop(w, i, count)
      steps.append(MoveOrder.Step(workload: w, replicas: count, from: node, to: nil))
      surplus -= count
    }
  }

  private mutating func drainQueue() {
    while let node = queue.popLast() { fill(node) }
  }

  /// Takes the steps into a node that can be taken now, the most useful first.
  private mutating func fill(_ node: Int) {
    while true {
      let isWanted = isWanted(node)
      var best: (start: Int, source: Int?, gain: Double)?
      for s in startsInto[node] where starts[s].replicas > 0 && fits(starts[s].workload, node) {
        let w = starts[s].workload
        let source = starts[s].stoppedOn == nil ? mostWanted(stopsOf[w]) : nil
        let gain = source.map { pressure(stopsOf[w][$0].node) } ?? -.infinity
        if isWanted, !takesAnything, gain <= 0 { continue }
        if let known = best, known.gain >= gain { continue }
        best = (s, source, gain)
      }
      guard let best else { break }
      take(best.start, from: best.source)
    }
    startsInto[node].removeAll { starts[$0].replicas == 0 }
  }

  /// Starts one replica, or all of them where nobody else wants the node, and stops as many at the source.
  private mutating func take(_ s: Int, from source: Int?) {
    let start = starts[s]
    let w = start.workload
    var count = 1
    if !isWanted(start.node) { count = source.map { min(start.replicas, stopsOf[w][$0].replicas) } ?? start.replicas }
    starts[s].replicas -= count
    change(load: start.node, w, by: count)
    for k in 0..<resourceCount {
      incoming[start.node * resourceCount + k] -= Int64(count) * request(w, k)
    }
    running[w] += count
    let from = source.map { stopsOf[w][$0].node } ?? start.stoppedOn
    if let source { stop(w, source, count) }
    let part: MoveOrder.Part = start.stoppedOn == nil ? .whole : .start
    steps.append(MoveOrder.Step(workload: w, replicas: count, from: from, to: start.node, part: part))
  }

  private mutating func stop(_ w: Int, _ i: Int, _ count: Int) {
    let node = stopsOf[w][i].node
    stopsOf[w][i].replicas -= count
    if stopsOf[w][i].replicas == 0 { stopsOf[w].remove(at: i) }
    change(load: node, w, by: -count)
    running[w] -= count
    queue.append(node)
  }

  /// Breaks a circle: stops a replica on a wanted node before it starts elsewhere. Answers whether there was one.
  private mutating func interrupt() -> Bool {
    var best: (workload: Int, stop: Int, rank: Rank)?
    for node in problem.nodes.indices where isWanted(node) {
      leaving[node].removeAll { w in !stopsOf[w].contains { $0.node == node } }
      for w in leaving[node] {
        guard let i = stopsOf[w].firstIndex(where: { $0.node == node }), hasOpenStart(w) else { continue }
        let rank = Rank(unlocks: unlocks(node, w), isLast: running[w] <= 1, pressure: pressure(node))
        if let best, !(rank < best.rank) { continue }
        best = (w, i, rank)
      }
    }
    guard let best, let s = startsOf[best.workload].first(where: { isOpen(starts[$0]) }) else { return false }
    let w = best.workload
    let from = stopsOf[w][best.stop].node
    let to = starts[s].node
    stop(w, best.stop, 1)
    steps.append(MoveOrder.Step(workload: w, replicas: 1, from: from, to: to, part: .stop))
    starts[s].replicas -= 1
    for k in 0..<resourceCount { incoming[to * resourceCount + k] -= request(w, k) }
    addStart(Start(workload: w, node: to, replicas: 1, stoppedOn: from))
    return true
  }

  /// Which replica to interrupt: the lowest rank.
  private struct Rank: Comparable {
    var unlocks: Bool
    var isLast: Bool
    var pressure: Double

    static func < (a: Rank, b: Rank) -> Bool {
      if a.isLast != b.isLast { return b.isLast }
      if a.unlocks != b.unlocks { return a.unlocks }
      return a.pressure > b.pressure
    }
  }

  /// Whether a useful step into a node could be taken if one replica of a workload were not there.
  private func unlocks(_ node: Int, _ stopped: Int) -> Bool {
    startsInto[node].contains { s in
      let w = starts[s].workload
      guard starts[s].replicas > 0, w != stopped else { return false }
      guard starts[s].stoppedOn != nil || stopsOf[w].contains(where: { isWanted($0.node) }) else { return false }
      return (0..<resourceCount).allSatisfy { k in
        request(w, k) == 0 || request(w, k) <= free[node * resourceCount + k] + request(stopped, k)
      }
    }
  }

  private func hasOpenStart(_ w: Int) -> Bool { startsOf[w].contains { isOpen(starts[$0]) } }
  private func isOpen(_ start: Start) -> Bool { start.replicas > 0 && start.stoppedOn == nil }

  // MARK: - Figures

  private func request(_ w: Int, _ k: Int) -> Int64 { problem.requests[w * resourceCount + k] }

  private mutating func change(load node: Int, _ w: Int, by count: Int) {
    for k in 0..<resourceCount { free[node * resourceCount + k] -= Int64(count) * request(w, k) }
  }

  private func fits(_ w: Int, _ node: Int) -> Bool {
    (0..<resourceCount).allSatisfy { k in request(w, k) == 0 || request(w, k) <= free[node * resourceCount + k] }
  }

  /// Whether more has to start on a node than there is room for.
  private func isWanted(_ node: Int) -> Bool {
    (0..<resourceCount).contains { k in
      let i = node * resourceCount + k
      return incoming[i] > 0 && incoming[i] > free[i]
    }
  }

  /// By how much a node is wanted, relative to its size; 0 or less where it is not.
  private func pressure(_ node: Int) -> Double {
    var highest = -Double.infinity
    for i in node * resourceCount..<(node + 1) * resourceCount where incoming[i] > 0 {
      highest = max(highest, Double(incoming[i] - free[i]) / Double(max(1, problem.allocatable[i])))
    }
    return highest
  }

  private func mostWanted(_ stops: [Stop]) -> Int? {
    stops.indices.max { pressure(stops[$0].node) < pressure(stops[$1].node) }
  }

  // MARK: - Results

  /// The steps, neighbours that do the same to the same workload put together.
  private func merged() -> [MoveOrder.Step] {
    var merged: [MoveOrder.Step] = []
    for step in steps {
      if let last = merged.last, last.workload == step.workload, last.from == step.from, last.to == step.to,
        last.part == step.part
      {
        merged[merged.count - 1].replicas += step.replicas
      } else {
        merged.append(step)
      }
    }
    return merged
  }

  /// What could not be ordered, sources paired with targets.
  private mutating func remaining() -> [MoveOrder.Step] {
    var blocked: [MoveOrder.Step] = []
    for s in starts.indices {
      let w = starts[s].workload
      while starts[s].replicas > 0 {
        var count = starts[s].replicas
        var from = starts[s].stoppedOn
        if from == nil, let i = stopsOf[w].indices.last {
          count = min(count, stopsOf[w][i].replicas)
          from = stopsOf[w][i].node
          stopsOf[w][i].replicas -= count
          if stopsOf[w][i].replicas == 0 { stopsOf[w].remove(at: i) }
        }
        starts[s].replicas -= count
        let part: MoveOrder.Part = starts[s].stoppedOn == nil ? .whole : .start
        blocked.append(MoveOrder.Step(workload: w, replicas: count, from: from, to: starts[s].node, part: part))
      }
    }
    return blocked
  }
}
